package store_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entree/internal/audit"
	"entree/internal/campaign"
	"entree/internal/domain"
	"entree/internal/store"
)

// full adds rows to every table of a store.
func full(t *testing.T, w *world) {
	t.Helper()
	first, second := person("1"), person("2")
	second.GivenName, second.Email = "Łukasz «=1+1»", "王@example.net"
	w.enrol(first, second)
	v := version("v", "2026-09", "# Écrit\n")
	w.must(w.Publish(t.Context(), v, "", 0, domain.Effects{}))
	w.must(w.SaveCampaign(t.Context(), campaign.Campaign{ID: "c", Version: 1}, []campaign.Recipient{{Campaign: "c", Person: "1", Job: "m", At: start}}, domain.Effects{}))
	_, err := w.ReserveLogin(t.Context(), "1", slices.Values([]string{"o1"}))
	w.must(err)
	j := job("one")
	j.Payload = []byte{0, 1, 0xff}
	w.must(w.Begin(t.Context(), domain.Journey{ID: "j", Person: "1", ExpiresAt: start.Add(time.Hour)}, domain.Effects{
		Jobs: []domain.Job{j}, Events: []domain.Event{{At: start, Kind: domain.EventRequested, Person: "1", Journey: "j", Details: map[string]string{"a": "é"}}},
		Acceptances: []domain.Acceptance{{Person: "1", Journey: "j", Lang: domain.French, Version: "2026-09", SHA256: v.Texts.French.SHA256, At: start}},
	}))
	w.must(w.Note(t.Context(), audit.Entry{At: start, Act: "operator.login", By: audit.Operator{Subject: "s", Name: "Ada"}}))
	w.must(w.SaveSession(t.Context(), domain.SessionRow{ID: "id", Data: []byte("sealed"), Expires: start.Add(time.Hour)}))
	_, _, err = take(w.Store, "mail-total", domain.Rate{Burst: 5, Per: time.Hour}, start)
	w.must(err)
	w.must(w.Advance(t.Context(), "mark", start))
}

// A copy between any two databases, and back, neither loses nor changes data.
func TestAStoreMovesWhole(t *testing.T) {
	everywhere(t, func(t *testing.T, from *world) {
		full(t, from)
		everywhere(t, func(t *testing.T, to *world) {
			var brought []store.Copied
			w := to
			w.must(store.Copy(t.Context(), from.Store, to.Store, func(c store.Copied) { brought = append(brought, c) }))
			rows := map[string]int64{}
			for _, c := range brought {
				rows[c.Table] = c.Rows
			}
			for table, n := range map[string]int64{"people": 2, "journeys": 1, "jobs": 1, "events": 1, "acceptances": 1, "charter_versions": 1, "campaigns": 1, "campaign_mails": 1, "audit": 1, "audit_head": 1, "sessions": 1, "limits": 1, "names": 1, "marks": 1} {
				if rows[table] != n {
					t.Errorf("%d rows of %s, want %d", rows[table], table, n)
				}
			}
			for _, id := range []domain.PersonID{"1", "2"} {
				was, err := from.Person(t.Context(), id)
				w.must(err)
				is, err := to.Person(t.Context(), id)
				w.must(err)
				if diff := cmp.Diff(was, is); diff != "" {
					t.Errorf("a person changed on the way:\n%s", diff)
				}
			}
			leased, err := to.LeaseOne(t.Context(), "one", "x", start.Add(time.Minute))
			if err != nil || string(leased.Payload) != "\x00\x01\xff" {
				t.Errorf("the job carries %x, %v", leased.Payload, err)
			}
			w.must(to.Note(t.Context(), audit.Entry{At: start, Act: "operator.login"})) // the chain continues
			w.must(to.ForgetVisitors(t.Context()))
			if _, _, err := to.Session(t.Context(), "id"); !errors.Is(err, domain.ErrNotFound) {
				t.Errorf("a visitor goes on: %v", err)
			}
			if err := store.Copy(t.Context(), from.Store, to.Store, func(store.Copied) {}); !errors.Is(err, store.ErrNotEmpty) {
				t.Errorf("a store that is not empty is filled: %v", err)
			}
		})
	})
}

func TestABackupOfARunningStore(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		full(t, w)
		file := filepath.Join(t.TempDir(), "backup.db")
		stop, ended := make(chan struct{}), make(chan error, 1)
		go func() { // another program keeps writing
			var err error
			for n := 0; err == nil; n++ {
				select {
				case <-stop:
					ended <- nil
					return
				default:
					_, _, err = take(w.Store, "busy", domain.Rate{Burst: 1000, Per: time.Hour}, start)
				}
			}
			ended <- err
		}()
		var tables []string
		err := w.Backup(t.Context(), file, func(c store.Copied) { tables = append(tables, c.Table) })
		close(stop)
		w.must(err)
		w.must(<-ended)
		if !slices.Contains(tables, "people") || !slices.Contains(tables, "audit") {
			t.Errorf("the backup has %v", tables)
		}
		copied := open(t, "sqlite:"+file)
		if p, err := copied.Person(t.Context(), "2"); err != nil || p.GivenName != "Łukasz «=1+1»" {
			t.Errorf("%+v, %v", p, err)
		}
		if err := w.Backup(t.Context(), file, func(store.Copied) {}); err == nil {
			t.Error("a backup is written over another")
		}
	})
}
