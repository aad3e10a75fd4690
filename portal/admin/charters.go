package admin

import (
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"entree/internal/charter"
	"entree/internal/domain"
	"entree/portal/web"
)

// ChartersPage is the data of templates/admin/charters.html, GET
// /admin/chartes.
type ChartersPage struct {
	Versions []CharterRow
	Drafts   []charter.Draft
	Profiles []Option
	MayWrite bool
	Names    map[string]string // names of the profiles, by key
}

// CharterRow is a version of a charter with its state. Owing is set for the
// version in force: the number of people who have not accepted it.
type CharterRow struct {
	charter.Version
	State charter.State
	Owing int
}

// Option is one value of a list to choose from.
type Option struct {
	Value, Text string
	Chosen      bool
}

// profiles returns the profiles to choose from, with names in the page's
// language.
func (a *Console) profiles(lang domain.Lang, chosen string) []Option {
	var out []Option
	for _, p := range a.Profiles {
		out = append(out, Option{p.Key, p.Names[lang], p.Key == chosen})
	}
	return out
}

func (a *Console) profileNames(lang domain.Lang) map[string]string {
	out := map[string]string{}
	for _, p := range a.Profiles {
		out[p.Key] = p.Names[lang]
	}
	return out
}

func (a *Console) charters(v *visit) error {
	ctx := v.Request.Context()
	versions, err := a.Charters.Store.Versions(ctx)
	if err != nil {
		return err
	}
	lang := a.site.Lang(v.Context)
	page := ChartersPage{MayWrite: v.may(http.MethodPost, "/admin/chartes/nouveau"), Profiles: a.profiles(lang, ""), Names: a.profileNames(lang)}
	for _, version := range versions {
		row := CharterRow{Version: version, State: charter.StateOf(versions, version, a.Now())}
		if row.State == charter.Current {
			if row.Owing, err = a.owing(v, versions, version); err != nil {
				return err
			}
		}
		page.Versions = append(page.Versions, row)
	}
	if page.Drafts, err = a.Charters.Store.Drafts(ctx); err != nil {
		return err
	}
	return v.show("charters", page)
}

// owing returns the number of people who would have to accept a version if it
// were in force.
func (a *Console) owing(v *visit, versions []charter.Version, version charter.Version) (int, error) {
	all := 0
	for _, p := range charter.Reaches(versions, version.Profile, a.profileKeys(), a.Now()) {
		n, err := a.Charters.Store.Owing(v.Request.Context(), p, version.Texts.Hashes())
		if err != nil {
			return 0, err
		}
		all += n
	}
	return all, nil
}

func (a *Console) profileKeys() (keys []string) {
	for _, p := range a.Profiles {
		keys = append(keys, p.Key)
	}
	return keys
}

// VersionPage is the data of templates/admin/charter_version.html, GET
// /admin/chartes/version/:id.
type VersionPage struct {
	CharterRow
	Names           map[string]string
	French, English template.HTML
	MayCallOff      bool
}

func (a *Console) charterVersion(v *visit) error {
	versions, err := a.Charters.Store.Versions(v.Request.Context())
	if err != nil {
		return err
	}
	version, err := a.Charters.Store.Version(v.Request.Context(), v.Param("id"))
	if err != nil {
		return err
	}
	page := VersionPage{CharterRow: CharterRow{Version: version, State: charter.StateOf(versions, version, a.Now())}, Names: a.profileNames(a.site.Lang(v.Context))}
	if page.Owing, err = a.owing(v, versions, version); err != nil {
		return err
	}
	if page.French, page.English, err = a.rendered(version.Texts); err != nil {
		return err
	}
	page.MayCallOff = page.State == charter.Scheduled && v.may(http.MethodPost, "/admin/chartes/version/:id/retirer")
	return v.show("charter_version", page)
}

func (a *Console) rendered(t charter.Texts) (fr, en template.HTML, err error) {
	if fr, err = a.Markdown(t.French.Markdown); err != nil {
		return "", "", err
	}
	en, err = a.Markdown(t.English.Markdown)
	return fr, en, err
}

func (a *Console) callOff(v *visit, _ web.Form) error {
	err := a.Charters.CallOff(v.Request.Context(), v.Param("id"), v.entry("charter.called_off", "", nil))
	if errors.Is(err, charter.ErrPast) {
		return v.done(pathCharters, "console.charters.called_off_late")
	}
	if err != nil {
		return err
	}
	return v.done(pathCharters, "console.charters.called_off")
}

// OwedPage is the data of templates/admin/charter_owed.html, GET
// /admin/chartes/version/:id/accords.
type OwedPage struct {
	List     List
	Version  charter.Version
	Profile  string
	Profiles []Option
	People   []domain.Person
}

func (a *Console) charterOwed(v *visit) error {
	version, err := a.Charters.Store.Version(v.Request.Context(), v.Param("id"))
	if err != nil {
		return err
	}
	page := OwedPage{List: v.list([]string{"profil"}, []string{"numero"}), Version: version}
	page.Profile = page.List.Filter("profil")
	if page.Profile == "" && version.Profile != "" {
		page.Profile = version.Profile
	}
	if page.Profile == "" && len(a.Profiles) > 0 {
		page.Profile = a.Profiles[0].Key
	}
	page.Profiles = a.profiles(a.site.Lang(v.Context), page.Profile)
	hashes := version.Texts.Hashes()
	if page.List.Total, err = a.Charters.Store.Owing(v.Request.Context(), page.Profile, hashes); err != nil {
		return err
	}
	if page.People, err = a.Charters.Store.WhoOwes(v.Request.Context(), page.Profile, hashes, page.List.Skip(), page.List.Per); err != nil {
		return err
	}
	page.List.Count = len(page.People)
	return v.show("charter_owed", page)
}

// newDraft creates a draft with the text that is in force for a profile.
func (a *Console) newDraft(v *visit, form web.Form) error {
	ctx := v.Request.Context()
	versions, err := a.Charters.Store.Versions(ctx)
	if err != nil {
		return err
	}
	draft := charter.Draft{Profile: form["profil"]}
	if now, ok := charter.InForce(versions, form["profil"], a.Now()); ok {
		draft.Texts = now.Texts
	}
	draft, err = a.Charters.Save(ctx, draft, v.entry("charter.drafted", "", nil))
	if err != nil {
		return err
	}
	return web.SeeOther("/admin/chartes/projet/" + draft.ID)
}

// localTime is the format of an HTML field of type datetime-local.
const localTime = "2006-01-02T15:04"

func (a *Console) parseLocal(s string) (time.Time, error) {
	return time.ParseInLocation(localTime, s, a.zone())
}

func (a *Console) local(at time.Time) string { return at.In(a.zone()).Format(localTime) }

func (a *Console) zone() *time.Location {
	if a.Zone == nil {
		return time.UTC
	}
	return a.Zone
}

func revision(form web.Form) int64 {
	n, _ := strconv.ParseInt(form["revision"], 10, 64) // an invalid number is treated as an outdated revision
	return n
}
