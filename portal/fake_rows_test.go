package portal_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"entree/internal/domain"
)

// fakeRows keeps sessions in memory and counts the writes.
type fakeRows struct {
	mu     sync.Mutex
	rows   map[string]domain.SessionRow
	writes int
	fails  bool // whether a session cannot be written; other rows can

	journey func(domain.JourneyID) domain.Journey // reads the journey of a session
}

func (f *fakeRows) Session(_ context.Context, id string) (domain.SessionRow, domain.Journey, error) {
	f.mu.Lock()
	row, ok := f.rows[id]
	f.mu.Unlock() // the service locks first itself and the rows after
	if !ok {
		return row, domain.Journey{}, domain.ErrNotFound
	}
	return row, f.journey(row.Journey), nil
}

func (f *fakeRows) SaveSession(_ context.Context, r domain.SessionRow) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	if f.fails && !strings.Contains(r.ID, ":") {
		return errors.New("the store is away")
	}
	f.rows[r.ID] = r
	return nil
}

func (f *fakeRows) DeleteSession(_ context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	delete(f.rows, id)
	return nil
}

func (f *fakeRows) RenewSession(_ context.Context, r domain.SessionRow) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	if _, ok := f.rows[r.Old]; !ok {
		return domain.ErrNotFound
	}
	delete(f.rows, r.Old)
	f.rows[r.ID] = r
	return nil
}

// commit writes rows as the service does with an act.
func (f *fakeRows) commit(rows []domain.SessionRow) (err error) {
	for _, r := range rows {
		if r.Old == "" {
			err = f.SaveSession(context.Background(), r)
		} else {
			err = f.RenewSession(context.Background(), r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *fakeRows) ExtendSession(_ context.Context, id string, expires time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	if row, ok := f.rows[id]; ok {
		row.Expires = expires
		f.rows[id] = row
	}
	return nil
}

// sessions counts the rows that are sessions.
func (f *fakeRows) sessions() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id := range f.rows {
		if !strings.Contains(id, ":") {
			n++
		}
	}
	return n
}

func (f *fakeRows) count() (rows, writes int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.rows), f.writes
}
