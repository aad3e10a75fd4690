package admin

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"entree/internal/campaign"
	"entree/internal/domain"
	"entree/portal/web"
)

// NewCampaignPage is the data of templates/admin/campaign_new.html, GET and
// POST /admin/campagnes/nouvelle.
// Form fields: see campaignFields.
type NewCampaignPage struct {
	campaign.Campaign
	Profiles []Option
	Cohorts  []string
	Stages   []domain.Stage
	Later    bool
	At       string // start time, in the format of a datetime-local field
	BeforeAt string // date, in the format of a date field
}

// NoteIn returns the operator's paragraph in a language.
func (p NewCampaignPage) NoteIn(lang string) string { return p.Notes[domain.Lang(lang)] }

// CheckCampaignPage is the data of templates/admin/campaign_check.html. It
// shows the number of recipients and the mails before anything is sent.
type CheckCampaignPage struct {
	NewCampaignPage
	Count   int
	Letters []MailPreview
	Fields  []Hidden
	Profile string
	Minutes int // duration of the first round
}

// MailPreview is a mail as it will be sent.
type MailPreview struct {
	Lang          domain.Lang
	Reminder      bool
	Subject, Text string
}

var campaignFields = []web.Field{
	{Name: "nom", Max: 400, Prose: true}, {Name: "genre", Max: 20}, {Name: "profil", Max: 100}, {Name: "cohorte", Max: 200}, {Name: "etape", Max: 20, Optional: true}, {Name: "dernier", Max: 10}, {Name: "avant", Max: 10},
	{Name: "langue", Max: 2}, {Name: "mot-fr", Max: 16 << 10, Prose: true}, {Name: "mot-en", Max: 16 << 10, Prose: true}, {Name: "debit", Max: 10}, {Name: "rappels", Max: 5}, {Name: "jours", Max: 5},
	{Name: "quand", Max: 20}, {Name: "le", Max: 20}, {Name: "confirme", Max: 3, Optional: true},
}

func (a *Console) newCampaign(v *visit) error {
	q := v.Request.URL.Query()
	c := campaign.Campaign{Kind: campaign.Invitation, Lang: domain.French, Rate: 120, RemindAfter: 7, RemindTimes: 2}
	if kind := campaign.Kind(q.Get("genre")); kind == campaign.Charter || kind == campaign.Factor {
		c.Kind = kind
	}
	c.Segment = campaign.Segment{Profile: q.Get("profil"), Cohort: q.Get("cohorte"), Stage: q.Get("etape")}
	page, err := a.newCampaignPage(v, c)
	if err != nil {
		return err
	}
	return v.show("campaign_new", page)
}

func (a *Console) newCampaignPage(v *visit, c campaign.Campaign) (NewCampaignPage, error) {
	cohorts, err := a.Lists.Cohorts(v.Request.Context())
	return NewCampaignPage{
		Campaign: c, Profiles: a.profiles(a.site.Lang(v.Context), c.Segment.Profile), Cohorts: cohorts, Stages: domain.Stages(), At: a.local(nextMorning(a.Now().In(a.zone()))),
	}, err
}

// nextMorning returns nine o'clock of the next day: a mail at night is read as spam.
func nextMorning(now time.Time) time.Time {
	return time.Date(now.Year(), now.Month(), now.Day()+1, 9, 0, 0, 0, now.Location())
}

// startCampaign shows the mail and the number of recipients. Once the operator
// has confirmed, it starts the campaign.
func (a *Console) startCampaign(v *visit, form web.Form) error {
	c := campaign.Campaign{
		Name: strings.TrimSpace(form["nom"]), Kind: campaign.Kind(form["genre"]), Lang: domain.French,
		Segment: campaign.Segment{Profile: form["profil"], Cohort: form["cohorte"], Stage: form["etape"], LastMail: campaign.LastMail(form["dernier"])},
		Notes:   map[domain.Lang]string{domain.French: strings.TrimSpace(form["mot-fr"]), domain.English: strings.TrimSpace(form["mot-en"])},
		Rate:    atoi(form["debit"], 0), RemindTimes: atoi(form["rappels"], -1), RemindAfter: atoi(form["jours"], 0),
	}
	if form["langue"] == string(domain.English) {
		c.Lang = domain.English
	}
	if c.Segment.Profile != "" && !slices.Contains(a.profileKeys(), c.Segment.Profile) || !slices.Contains([]campaign.LastMail{campaign.MailAny, campaign.MailNever, campaign.MailBefore}, c.Segment.LastMail) {
		return web.Malformed("a choice that the form does not have")
	}
	if c.Segment.LastMail == campaign.MailBefore {
		c.Segment.Before, _ = time.ParseInLocation(time.DateOnly, form["avant"], a.zone()) // an invalid date is reported by Check below
	}
	page, err := a.newCampaignPage(v, c)
	if err != nil {
		return err
	}
	page.BeforeAt, page.Later, page.At = form["avant"], form["quand"] == "le", form["le"]
	var faults []fault
	for field, key := range c.Check() {
		faults = append(faults, wrong(field, "console.campaigns.fault."+key))
	}
	if page.Later {
		if page.StartAt, err = a.parseLocal(form["le"]); err != nil || !page.StartAt.After(a.Now()) {
			faults = append(faults, wrong("le", "console.campaigns.fault.when"))
		}
	}
	if len(faults) > 0 {
		slices.SortFunc(faults, func(a, b fault) int { return strings.Compare(a.field, b.field) })
		return v.again("campaign_new", page, faults...)
	}
	if form["confirme"] == "" {
		return a.checkCampaign(v, page, form)
	}
	made, err := a.Campaigns.Start(v.Request.Context(), page.Campaign, v.entry("campaign.started", "", nil))
	if err != nil {
		return err
	}
	return v.done("/admin/campagnes/suivi/"+made.ID, "console.campaigns.started", "Count", made.Planned)
}

func (a *Console) checkCampaign(v *visit, form NewCampaignPage, typed web.Form) error {
	page := CheckCampaignPage{NewCampaignPage: form, Profile: a.profileNames(a.site.Lang(v.Context))[form.Segment.Profile]}
	var err error
	if page.Count, err = a.Campaigns.Count(v.Request.Context(), form.Kind, form.Segment); err != nil {
		return err
	}
	page.Minutes = (page.Count + form.Rate - 1) / form.Rate
	if page.Letters, err = a.letters(form.Campaign); err != nil {
		return err
	}
	typed["confirme"] = "oui"
	page.Fields = a.hidden("/admin/campagnes/nouvelle", typed)
	view := v.view("campaign_check")
	return a.site.Render(v.Context, http.StatusOK, "campaign_check", view.With(page))
}

// letters returns the mails of a campaign in both languages, addressed to a
// sample person.
func (a *Console) letters(c campaign.Campaign) (out []MailPreview, err error) {
	somebody := domain.Person{GivenName: "Camille", Login: "o22502142", Email: "camille@exemple.fr", Profile: c.Segment.Profile}
	if somebody.Profile == "" && len(a.Profiles) > 0 {
		somebody.Profile = a.Profiles[0].Key
	}
	rounds := []int{0}
	if c.RemindTimes > 0 && c.Kind == campaign.Invitation {
		rounds = append(rounds, 1)
	}
	for _, round := range rounds {
		for _, lang := range []domain.Lang{domain.French, domain.English} {
			c.Lang = lang
			l := MailPreview{Lang: lang, Reminder: round > 0}
			if l.Subject, l.Text, err = a.Letters.Preview(a.Campaigns.Message(c, somebody, round)); err != nil {
				return nil, err
			}
			out = append(out, l)
		}
	}
	return out, nil
}
