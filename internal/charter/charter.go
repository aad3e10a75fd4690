// Package charter keeps what an institution asks people to accept.
//
//	draft ── publish, now or at a time ──► version ── its time comes ──► in force
//	  ▲ edited, previewed                     │                              │ until
//	  └── a copy of a version                 └── called off before that     ▼ the next one
//	                                                                      kept for ever
//
// A version is never changed and never removed: a hash that somebody accepted
// leads to the exact text. A charter of a profile stands before the one for
// everybody. Which one is in force follows from the clock and the versions
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
	SHA256   string // of Markdown; empty where there is no such language
}

// Texts are a charter in its languages. French is always there.
type Texts struct{ French, English Text }

// In gives the text in a language, or in French, and the language it is in.
func (t Texts) In(lang domain.Lang) (Text, domain.Lang) {
	if lang == domain.English && t.English.SHA256 != "" {
		return t.English, domain.English
	}
	return t.French, domain.French
}

// Hashes gives the hashes of the texts that there are.
func (t Texts) Hashes() []string {
	out := []string{t.French.SHA256}
	if t.English.SHA256 != "" {
		out = append(out, t.English.SHA256)
	}
	return out
}

// Version is a charter that was published.
type Version struct {
	ID          string
	Profile     string // empty: for every profile that has none of its own
	Name        string // "2026-09"; once in a profile
	Texts       Texts
	PublishedAt time.Time
	PublishedBy string
	From        time.Time // in force from then on
	CalledOffAt time.Time // before its time came; zero: not
	CalledOffBy string
}

// State says where a version stands.
type State string

// The states of a version.
const (
	Scheduled State = "scheduled"
	Current   State = "in_force"
	Past      State = "past"
	CalledOff State = "called_off"
)

// Draft is a charter that is being written. Revision guards it against two who
// write at once.
type Draft struct {
	ID       string
	Profile  string
	Name     string
	Texts    Texts
	Revision int64
	EditedAt time.Time
	EditedBy string
}

// InForce gives the version that people of a profile accept at a time: their
// own, or else the one for everybody.
func InForce(versions []Version, profile string, at time.Time) (Version, bool) {
	for _, p := range []string{profile, ""} {
		if v, ok := newest(versions, p, at); ok {
			return v, true
		}
	}
	return Version{}, false
}

// newest gives the version of exactly this profile that counts at a time. Of
// two from the same moment, the one published last counts.
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

// StateOf tells where a version stands among the others.
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

// Reaches lists the profiles whose charter a version of this profile is, once
// it is in force: its own, or those that have none of their own.
func Reaches(versions []Version, profile string, all []string, at time.Time) []string {
	if profile != "" {
		return []string{profile}
	}
	return slices.DeleteFunc(slices.Clone(all), func(p string) bool {
		_, own := newest(versions, p, at)
		return own
	})
}
