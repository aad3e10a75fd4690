package charter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"entree/internal/audit"
	"entree/internal/domain"
)

// Errors of a change of a draft or version.
var (
	// ErrOvertaken is returned if the draft changed since it was read.
	ErrOvertaken = errors.New("charter: the draft was changed meanwhile")
	// ErrNameUsed is returned if a version of this profile already has this
	// name.
	ErrNameUsed = errors.New("charter: the name was used before")
	// ErrPast is returned by CallOff if the version is or was in force.
	ErrPast = errors.New("charter: the version is in force, or was")
)

// MaxText is the maximum size of a text in bytes.
const MaxText = 20 << 10

// Store keeps drafts and versions. Each method is one transaction.
type Store interface {
	Source
	Version(ctx context.Context, id string) (Version, error)
	// Publish adds a version with its texts and removes the draft from which it
	// was made (an empty draft: none). It returns ErrOvertaken if the draft has
	// another revision, and ErrNameUsed if the name is taken.
	Publish(ctx context.Context, v Version, draft string, revision int64, e domain.Effects) error
	// Seed adds a version if its profile has none at all.
	Seed(ctx context.Context, v Version) (added bool, err error)
	// CallOff cancels a version that is not in force yet. Otherwise it returns
	// ErrPast.
	CallOff(ctx context.Context, id, by string, at time.Time, e domain.Effects) error

	Drafts(ctx context.Context) ([]Draft, error)
	Draft(ctx context.Context, id string) (Draft, error)
	// SaveDraft replaces the revision that d names; revision 0 creates the
	// draft.
	SaveDraft(ctx context.Context, d Draft, e domain.Effects) error
	DeleteDraft(ctx context.Context, id string, e domain.Effects) error

	// Owing returns the number of active people of a profile who accepted none
	// of the texts.
	Owing(ctx context.Context, profile string, sha256 []string) (int, error)
	// WhoOwes returns these people, ordered by number.
	WhoOwes(ctx context.Context, profile string, sha256 []string, skip, limit int) ([]domain.Person, error)
	// Evidence returns a person's acceptances with their texts, oldest first.
	Evidence(ctx context.Context, person domain.PersonID) ([]domain.Acceptance, []domain.Charter, error)
	// EvidenceFaults returns the faults of a person's acceptances, one line
	// each: a MAC that does not fit, an event without its acceptance or an
	// acceptance without its event.
	EvidenceFaults(ctx context.Context, person domain.PersonID) ([]string, error)
	Person(ctx context.Context, id domain.PersonID) (domain.Person, error)
}

// Service writes and publishes charters. It holds no state.
type Service struct {
	Store    Store
	Cache    *Cache
	Profiles []domain.Profile
	Clock    func() time.Time
	Random   io.Reader
}

// Faults maps fields of the form to keys of messages.
type Faults map[string]string

// Check returns the faults that prevent the publication of the draft.
func (d Draft) Check() Faults {
	f := Faults{}
	if strings.TrimSpace(d.Name) == "" {
		f["version"] = "name_missing"
	} else if utf8.RuneCountInString(d.Name) > 40 {
		f["version"] = "name_long"
	}
	for field, t := range map[string]Text{"fr": d.Texts.French, "en": d.Texts.English} {
		if field == "en" && t.Title == "" && strings.TrimSpace(t.Markdown) == "" {
			continue // the French text then serves both languages
		}
		if strings.TrimSpace(t.Title) == "" {
			f["titre-"+field] = "title_missing"
		}
		if strings.TrimSpace(t.Markdown) == "" {
			f["texte-"+field] = "text_missing"
		} else if len(t.Markdown) > MaxText {
			f["texte-"+field] = "text_long"
		}
	}
	return f
}

// Save stores a draft. It normalises line ends, because browsers send CR LF and
// the hash must not depend on where the text was typed.
func (d *Service) Save(ctx context.Context, draft Draft, by audit.Entry) (Draft, error) {
	draft.Name = strings.TrimSpace(draft.Name)
	for _, t := range []*Text{&draft.Texts.French, &draft.Texts.English} {
		t.Title = strings.TrimSpace(t.Title)
		t.Markdown = Clean(t.Markdown)
		t.SHA256 = ""
		if strings.TrimSpace(t.Markdown) != "" {
			t.SHA256 = domain.HashCharter(t.Markdown)
		}
	}
	if draft.ID == "" {
		id, err := domain.NewID(d.Random)
		if err != nil {
			return draft, err
		}
		draft.ID, draft.Revision = id, 0
	}
	draft.EditedAt, draft.EditedBy = d.now(), by.By.Name
	by.What = map[string]string{"draft": draft.ID, "profile": draft.Profile, "version": draft.Name, "sha256": draft.Texts.French.SHA256}
	if err := d.Store.SaveDraft(ctx, draft, domain.Effects{Audit: []audit.Entry{by}}); err != nil {
		return draft, err
	}
	draft.Revision++
	return draft, nil
}

// Clean returns a text with LF line ends, exactly one of them at the end.
func Clean(markdown string) string {
	s := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(markdown)
	if s = strings.TrimRight(s, " \t\n"); s == "" {
		return ""
	}
	return s + "\n"
}

// Publish makes a version from a draft, in force from a time on, or from now if
// that time has passed. From then on every journey without a chosen password
// returns to the charter, and every active person owes an acceptance.
func (d *Service) Publish(ctx context.Context, id string, revision int64, from time.Time, by audit.Entry) (Version, error) {
	draft, err := d.Store.Draft(ctx, id)
	if err != nil {
		return Version{}, err
	}
	if draft.Revision != revision {
		return Version{}, ErrOvertaken
	}
	if f := draft.Check(); len(f) > 0 {
		return Version{}, fmt.Errorf("charter: the draft is incomplete: %v", f)
	}
	now := d.now()
	if from.Before(now) {
		from = now
	}
	v := Version{ID: draft.ID, Profile: draft.Profile, Name: draft.Name, Texts: draft.Texts, PublishedAt: now, PublishedBy: by.By.Name, From: domain.Instant(from)}
	if err := d.Store.Publish(ctx, v, draft.ID, revision, publication(v, &by)); err != nil {
		return Version{}, err
	}
	return v, d.Cache.Refresh(ctx)
}

// EventPublished is the event of a new version, whether an operator or the
// configuration published it.
const EventPublished domain.EventKind = "charter.published"

// CallOff cancels a version that is not in force yet.
func (d *Service) CallOff(ctx context.Context, id string, by audit.Entry) error {
	by.What = map[string]string{"version": id}
	if err := d.Store.CallOff(ctx, id, by.By.Name, d.now(), domain.Effects{Audit: []audit.Entry{by}}); err != nil {
		return err
	}
	return d.Cache.Refresh(ctx)
}

// Copy creates a draft with the texts of a version.
func (d *Service) Copy(ctx context.Context, version string, by audit.Entry) (Draft, error) {
	v, err := d.Store.Version(ctx, version)
	if err != nil {
		return Draft{}, err
	}
	return d.Save(ctx, Draft{Profile: v.Profile, Texts: v.Texts}, by)
}

// Seed publishes the charters of the configuration for profiles that have no
// version yet. It returns the configured charters that are ignored because
// another text is in force.
func (d *Service) Seed(ctx context.Context, configured []domain.Charter) (ignored []string, err error) {
	wanted, err := d.versions(configured, SeededBy)
	if err != nil {
		return nil, err
	}
	for _, v := range wanted {
		added, err := d.Store.Seed(ctx, *v)
		if err != nil {
			return nil, err
		}
		if added {
			continue
		}
		versions, err := d.Store.Versions(ctx)
		if err != nil {
			return nil, err
		}
		if current, ok := newest(versions, v.Profile, d.now()); ok && current.Texts.French.SHA256 != v.Texts.French.SHA256 {
			ignored = append(ignored, v.Name)
		}
	}
	return ignored, d.Cache.Refresh(ctx)
}

// PublishAll puts the configured charters in force now, except those whose
// texts are in force already. It returns ErrNameUsed if a changed text has the
// name of an older version.
func (d *Service) PublishAll(ctx context.Context, configured []domain.Charter, by string) (published []*Version, err error) {
	wanted, err := d.versions(configured, by)
	if err != nil {
		return nil, err
	}
	versions, err := d.Store.Versions(ctx)
	if err != nil {
		return nil, err
	}
	for _, v := range wanted {
		if current, ok := newest(versions, v.Profile, d.now()); ok && slices.Equal(current.Texts.Hashes(), v.Texts.Hashes()) {
			continue
		}
		if err := d.Store.Publish(ctx, *v, "", 0, publication(*v, nil)); err != nil {
			return published, fmt.Errorf("version %s: %w", v.Name, err)
		}
		published = append(published, v)
	}
	return published, d.Cache.Refresh(ctx)
}

// versions merges the languages of each configured charter into one version.
func (d *Service) versions(configured []domain.Charter, by string) ([]*Version, error) {
	byKey := map[[2]string]*Version{}
	var order []*Version
	for _, c := range configured {
		key := [2]string{c.Profile, c.Version}
		v := byKey[key]
		if v == nil {
			id, err := domain.NewID(d.Random)
			if err != nil {
				return nil, err
			}
			v = &Version{ID: id, Profile: c.Profile, Name: c.Version, PublishedAt: d.now(), From: d.now(), PublishedBy: by}
			byKey[key], order = v, append(order, v)
		}
		text := Text{c.Title, c.Text, c.SHA256}
		if c.Lang == domain.English {
			v.Texts.English = text
		} else {
			v.Texts.French = text
		}
	}
	return order, nil
}

func publication(v Version, by *audit.Entry) domain.Effects {
	what := map[string]string{"profile": v.Profile, "version": v.Name, "sha256": v.Texts.French.SHA256, "from": v.From.Format(time.RFC3339)}
	e := domain.Effects{Events: []domain.Event{{At: v.PublishedAt, Kind: EventPublished, Details: what}}}
	if by != nil {
		by.What = what
		e.Audit = []audit.Entry{*by}
	}
	return e
}

// SeededBy is the publisher's name for charters of the configuration.
const SeededBy = "configuration"

func (d *Service) now() time.Time { return domain.Instant(d.Clock()) }
