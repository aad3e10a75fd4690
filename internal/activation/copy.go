package activation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entree/internal/domain"
)

// copyAgain is the wait while the account is being created.
const copyAgain = time.Minute

var (
	errReaddressed = errors.New("the personal address changed while it was written into the account")
	errNoSuchYet   = errors.New("the account is being created")
)

// CopyAddress adds the job that writes the personal address into a person's account to
// effects that change the address. It adds none if there is no account.
func (s *Service) CopyAddress(e *domain.Effects, p domain.Person) error {
	if !p.HasAccount() {
		return nil
	}
	now := s.now()
	job, err := domain.NewJob(s.Random, s.Keys, domain.JobAddress, nil, now, now.Add(domain.CopyTime))
	if err != nil {
		return err
	}
	job.Person = p.ID
	e.Jobs = append(e.Jobs, job)
	return nil
}

// AddressJobs returns the handler of the jobs that write personal addresses into
// accounts. A job writes the address in use, and is tried again if that changed
// meanwhile. So the newest address is written last, in whichever order jobs run.
func (s *Service) AddressJobs() domain.Handler { return addressJobs{s} }

type addressJobs struct{ *Service }

// Run is idempotent. An account that is not the portal's, or is gone, is left alone.
func (s addressJobs) Run(ctx context.Context, job domain.Job) (domain.Effects, error) {
	p, err := s.Store.Person(ctx, job.Person)
	switch {
	case err != nil:
		return domain.Effects{}, fmt.Errorf("address job: %w", err)
	case p.Account == domain.AccountCreating:
		return domain.Effects{}, domain.Later(errNoSuchYet, copyAgain)
	case p.Account != domain.AccountActive || !p.ErasedAt.IsZero():
		return domain.Effects{}, nil
	}
	return domain.Effects{}, s.writeAddress(ctx, p)
}

func (s *Service) writeAddress(ctx context.Context, p domain.Person) error {
	profile, _ := s.Profile(p.Profile)
	err := s.Accounts.WriteAddress(ctx, p.AccountID, domain.NewAccount(p, profile, domain.French, nil))
	var barred *domain.AccountBarred
	if errors.As(err, &barred) {
		return nil
	}
	if err != nil {
		return err
	}
	now, err := s.Store.Person(ctx, p.ID)
	if err != nil {
		return err
	}
	if now.Email != p.Email {
		return domain.Later(errReaddressed, time.Second)
	}
	return nil
}

// Abandon records that the account has an older address.
func (s addressJobs) Abandon(_ context.Context, job domain.Job, _ error) (domain.Effects, error) {
	return domain.Effects{Events: []domain.Event{{At: s.now(), Kind: domain.EventContactPending, Person: job.Person}}}, nil
}
