package admin

import (
	"errors"
	"html/template"
	"maps"
	"slices"
	"time"

	"entree/internal/audit"
	"entree/internal/charter"
	"entree/internal/domain"
	"entree/portal/web"
)

// DraftPage is the data of templates/admin/charter_draft.html, GET and POST
// /admin/chartes/projet/:id.
// Form fields: profil, version, titre-fr, titre-en, texte-fr, texte-en,
// revision, vers.
type DraftPage struct {
	charter.Draft
	Profiles []Option
}

var draftFields = []web.Field{
	{Name: "profil", Max: 100}, {Name: "version", Max: 200, Prose: true}, {Name: "titre-fr", Max: 400, Prose: true}, {Name: "titre-en", Max: 400, Prose: true},
	{Name: "texte-fr", Max: 60 << 10, Prose: true}, {Name: "texte-en", Max: 60 << 10, Prose: true}, {Name: "revision", Max: 20}, {Name: "vers", Max: 10, Optional: true},
}

func (a *Console) draft(v *visit) error {
	draft, err := a.Charters.Store.Draft(v.Request.Context(), v.Param("id"))
	if err != nil {
		return err
	}
	return v.show("charter_draft", a.draftPage(v, draft))
}

func (a *Console) draftPage(v *visit, d charter.Draft) DraftPage {
	return DraftPage{d, a.profiles(a.site.Lang(v.Context), d.Profile)}
}

// saveDraft stores the submitted draft, even if it is incomplete; missing parts
// are reported when the draft is published. If another operator saved the draft
// in the meantime, nothing is stored and the page shows the submitted text with
// an error.
func (a *Console) saveDraft(v *visit, form web.Form) error {
	d := charter.Draft{
		ID: v.Param("id"), Profile: form["profil"], Name: form["version"], Revision: revision(form),
		Texts: charter.Texts{
			French:  charter.Text{Title: form["titre-fr"], Markdown: form["texte-fr"]},
			English: charter.Text{Title: form["titre-en"], Markdown: form["texte-en"]},
		},
	}
	if d.Profile != "" && !slices.Contains(a.profileKeys(), d.Profile) {
		return web.Malformed("field profil: no profile")
	}
	for field, t := range map[string]charter.Text{"texte-fr": d.Texts.French, "texte-en": d.Texts.English} {
		if len(t.Markdown) > charter.MaxText {
			return v.again("charter_draft", a.draftPage(v, d), wrong(field, "console.charters.fault.text_long"))
		}
	}
	saved, err := a.Charters.Save(v.Request.Context(), d, v.entry("charter.drafted", "", nil))
	if errors.Is(err, charter.ErrOvertaken) {
		now, err := a.Charters.Store.Draft(v.Request.Context(), d.ID)
		if err != nil {
			return err
		}
		d.Revision, d.EditedAt, d.EditedBy = now.Revision, now.EditedAt, now.EditedBy
		return v.again("charter_draft", a.draftPage(v, d), wrong("texte-fr", "console.charters.overtaken", "Name", now.EditedBy))
	}
	if err != nil {
		return err
	}
	to := "/admin/chartes/projet/" + saved.ID
	switch form["vers"] {
	case "apercu":
		return web.SeeOther(to + "/apercu")
	case "publier":
		return web.SeeOther(to + "/publier")
	}
	return v.done(to, "console.charters.saved")
}

func (a *Console) deleteDraft(v *visit, form web.Form) error {
	if form["confirme"] == "" {
		return v.ask(ConfirmPage{Act: "console.act.chartes.projet.supprimer", Danger: true}, form)
	}
	if err := a.Charters.Store.DeleteDraft(v.Request.Context(), v.Param("id"), domain.Effects{Audit: []audit.Entry{v.entry("charter.draft_deleted", "", map[string]string{"draft": v.Param("id")})}}); err != nil {
		return err
	}
	return v.done(pathCharters, "console.charters.deleted")
}

// PreviewPage is the data of templates/admin/charter_preview.html, GET
// /admin/chartes/projet/:id/apercu.
type PreviewPage struct {
	charter.Draft
	French, English      template.HTML
	Before               string // name of the version in force
	ChangesFR, ChangesEN []charter.Line
	MayWrite             bool
}

func (a *Console) previewDraft(v *visit) error {
	ctx := v.Request.Context()
	draft, err := a.Charters.Store.Draft(ctx, v.Param("id"))
	if err != nil {
		return err
	}
	versions, err := a.Charters.Store.Versions(ctx)
	if err != nil {
		return err
	}
	page := PreviewPage{Draft: draft, MayWrite: v.may("GET", "/admin/chartes/projet/:id")}
	if page.French, page.English, err = a.rendered(draft.Texts); err != nil {
		return err
	}
	if now, ok := charter.InForce(versions, draft.Profile, a.Now()); ok {
		page.Before = now.Name
		page.ChangesFR = changes(now.Texts.French.Markdown, draft.Texts.French.Markdown)
		page.ChangesEN = changes(now.Texts.English.Markdown, draft.Texts.English.Markdown)
	}
	return v.show("charter_preview", page)
}

// changes returns the lines that differ, with two unchanged lines around each
// change. It returns nil if there is no difference.
func changes(from, to string) (out []charter.Line) {
	all := charter.Diff(from, to)
	for i, l := range all {
		near := slices.ContainsFunc(all[max(0, i-2):min(len(all), i+3)], func(l charter.Line) bool { return l.Op != "same" })
		switch {
		case near:
			out = append(out, l)
		case len(out) > 0 && out[len(out)-1].Op != "gap":
			out = append(out, charter.Line{Op: "gap", Text: "…"})
		}
	}
	if !slices.ContainsFunc(out, func(l charter.Line) bool { return l.Op == "added" || l.Op == "removed" }) {
		return nil
	}
	return out
}

// PublishPage is the data of templates/admin/charter_publish.html, GET and POST
// /admin/chartes/projet/:id/publier.
// Form fields: quand (maintenant, le), le (datetime-local), revision.
type PublishPage struct {
	charter.Draft
	Names map[string]string
	Owing int // number of people who will be asked to accept the charter
	Later bool
	At    string
	Whole bool
}

var publishFields = []web.Field{{Name: "quand", Max: 20}, {Name: "le", Max: 20, Optional: true}, {Name: "revision", Max: 20}}

func (a *Console) askPublish(v *visit) error {
	page, faults, err := a.publishPage(v)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return v.again("charter_publish", page, faults...)
	}
	return v.show("charter_publish", page)
}

func (a *Console) publishPage(v *visit) (PublishPage, []fault, error) {
	draft, err := a.Charters.Store.Draft(v.Request.Context(), v.Param("id"))
	if err != nil {
		return PublishPage{}, nil, err
	}
	versions, err := a.Charters.Store.Versions(v.Request.Context())
	if err != nil {
		return PublishPage{}, nil, err
	}
	page := PublishPage{Draft: draft, Names: a.profileNames(a.site.Lang(v.Context)), At: a.local(a.Now().Add(24 * time.Hour))}
	var faults []fault
	for _, key := range slices.Sorted(maps.Values(draft.Check())) {
		// The field is on the page of the draft, which the page's button opens.
		faults = append(faults, wrong("", "console.charters.fault."+key))
	}
	page.Whole = len(faults) == 0
	page.Owing, err = a.owing(v, versions, charter.Version{Profile: draft.Profile, Texts: draft.Texts})
	return page, faults, err
}

func (a *Console) publish(v *visit, form web.Form) error {
	page, faults, err := a.publishPage(v)
	if err != nil {
		return err
	}
	var from time.Time
	if page.Later = form["quand"] == "le"; page.Later {
		page.At = form["le"]
		if from, err = a.parseLocal(form["le"]); err != nil || !from.After(a.Now()) {
			faults = append(faults, wrong("le", "console.charters.fault.when"))
		}
	}
	if len(faults) > 0 {
		return v.again("charter_publish", page, faults...)
	}
	version, err := a.Charters.Publish(v.Request.Context(), v.Param("id"), revision(form), from, v.entry("charter.published", "", nil))
	switch {
	case errors.Is(err, charter.ErrOvertaken):
		return v.again("charter_publish", page, wrong("", "console.charters.overtaken", "Name", page.EditedBy))
	case errors.Is(err, charter.ErrNameUsed):
		return v.again("charter_publish", page, wrong("", "console.charters.fault.name_used"))
	case err != nil:
		return err
	case page.Later:
		return v.done(pathCharters, "console.charters.scheduled", "Version", version.Name, "Date", v.view("charters").Date(version.From))
	}
	return v.done(pathCharters, "console.charters.published.now", "Version", version.Name, "Count", page.Owing)
}
