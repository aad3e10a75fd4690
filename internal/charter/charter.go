// Package charter stores and publishes the charters that people accept.
//
//	draft ── publish, now or at a time ──► version ── its time comes ──► in force
//	  ▲ edited, previewed                     │                              │ until
//	  └── a copy of a version                 └── called off before that     ▼ the next one
//	                                                                      kept for ever
//
// A version is never changed or removed, so the hash of an acceptance always
// leads to the exact text. A charter for one profile precedes the charter for
// all profiles. The version in force follows from the clock and the versions
// alone, so that every instance switches at the same moment.
package charter

import (
	"slices"
	"time"

	"entree/internal/domain"
)

// Text is a charter in one language.
type Text struct {
	Title    string
	Markdown string
	SHA256   string // of Markdown; empty if the charter has no text in this language
}

// Texts holds a charter in its languages. The French text always exists.
type Texts struct{ French, English Text }

// In returns the text in a language, or the French text if there is none, and
// the language of the returned text.
func (t Texts) In(lang domain.Lang) (Text, domain.Lang) {
	if lang == domain.English && t.English.SHA256 != "" {
		return t.English, domain.English
	}
	return t.French, domain.French
}

// Hashes returns the hashes of the existing texts.
func (t Texts) Hashes() []string {
	out := []string{t.French.SHA256}
	if t.English.SHA256 != "" {
		out = append(out, t.English.SHA256)
	}
	return out
}

// Version is a published charter.
type Version struct {
	ID          string
	Profile     string // empty: for every profile that has no charter of its own
	Name        string // "2026-09"; unique within a profile
	Texts       Texts
	PublishedAt time.Time
	PublishedBy string
	From        time.Time // beginning of the time in force
	CalledOffAt time.Time // cancelled before From; zero: not cancelled
	CalledOffBy string
}

// State is the state of a version.
type State string

// The states of a version.
const (
	Scheduled State = "scheduled"
	Current   State = "in_force"
	Past      State = "past"
	CalledOff State = "called_off"
)

// Draft is an unpublished charter. Revision detects concurrent edits.
type Draft struct {
	ID       string
	Profile  string
	Name     string
	Texts    Texts
	Revision int64
	EditedAt time.Time
	EditedBy string
}

// InForce returns the version that people of a profile accept at a time: that
// of the profile, or else the one for all profiles. The bool is false if there
// is none.
func InForce(versions []Version, profile string, at time.Time) (Version, bool) {
	for _, p := range []string{profile, ""} {
		if v, ok := newest(versions, p, at); ok {
			return v, true
		}
	}
	return Version{}, false
}

// newest returns the version of exactly this profile in force at a time. Of two
// versions with the same From, the one published last is in force.
func newest(versions []Version, profile string, at time.Time) (Version, bool) {
	var found Version
	for _, v := range versions {
		if v.Profile != profile || !v.CalledOffAt.IsZero() || v.From.After(at) {
			continue
		}
		if found.ID == "" || v.From.After(found.From) || v.From.Equal(found.From) && v.PublishedAt.After(found.PublishedAt) {
			found = v
		}
	}
	return found, found.ID != ""
}

// StateOf returns the state of v at a time. versions are all versions,
// including v.
func StateOf(versions []Version, v Version, at time.Time) State {
	current, ok := newest(versions, v.Profile, at)
	switch {
	case !v.CalledOffAt.IsZero():
		return CalledOff
	case v.From.After(at):
		return Scheduled
	case ok && current.ID == v.ID:
		return Current
	default:
		return Past
	}
}

// Reaches returns the profiles to which a version of this profile applies once
// it is in force: the profile itself or, for a version for all profiles, the
// profiles without a charter of their own.
func Reaches(versions []Version, profile string, all []string, at time.Time) []string {
	if profile != "" {
		return []string{profile}
	}
	return slices.DeleteFunc(slices.Clone(all), func(p string) bool {
		_, own := newest(versions, p, at)
		return own
	})
}
