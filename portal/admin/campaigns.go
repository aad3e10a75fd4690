package admin

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"entree/internal/campaign"
	"entree/internal/domain"
	"entree/portal/web"
)

// CampaignsPage is the data of templates/admin/campaigns.html, GET
// /admin/campagnes.
type CampaignsPage struct {
	Campaigns []CampaignRow
	MayStart  bool
}

// CampaignRow is a campaign with the counts of its mails by result.
type CampaignRow struct {
	campaign.Campaign
	Counts map[string]int // number of mails by state
	Rounds []Round
	Now    time.Time
}

// Round is one line of the progress table: the counts of the first mails (round
// 0) or of one reminder.
type Round struct {
	Number                                   int
	Waiting, Sent, Skipped, Refused, Bounced int
}

// Stage returns the state of the campaign as a word. A running campaign whose
// start time has not come is "scheduled".
func (r CampaignRow) Stage() string {
	if r.State == campaign.Running && r.StartAt.After(r.Now) {
		return "scheduled"
	}
	return string(r.State)
}

// Settled returns the number of mails of the first round that are no longer
// waiting.
func (r CampaignRow) Settled() int {
	if len(r.Rounds) == 0 {
		return 0
	}
	f := r.Rounds[0]
	return f.Sent + f.Skipped + f.Refused + f.Bounced
}

// Percent returns the share of planned mails of the first round that are
// settled, 0 to 100.
func (r CampaignRow) Percent() int {
	if r.Planned == 0 {
		return 0
	}
	return min(100, r.Settled()*100/r.Planned)
}

func (a *Console) campaignRow(ctx context.Context, c campaign.Campaign) (CampaignRow, error) {
	tallies, err := a.Campaigns.Store.Tallies(ctx, c.ID)
	if err != nil {
		return CampaignRow{}, err
	}
	row := CampaignRow{Campaign: c, Counts: map[string]int{}, Now: a.Now()}
	rounds := map[int]*Round{}
	for _, t := range tallies {
		r := rounds[t.Round]
		if r == nil {
			r = &Round{Number: t.Round}
			rounds[t.Round] = r
		}
		row.Counts[string(t.State)] += t.N
		*map[campaign.RecipientState]*int{
			campaign.Waiting: &r.Waiting, campaign.Sent: &r.Sent, campaign.Skipped: &r.Skipped, campaign.Refused: &r.Refused, campaign.Bounced: &r.Bounced,
		}[t.State] = t.N
	}
	for _, n := range slices.Sorted(maps.Keys(rounds)) {
		row.Rounds = append(row.Rounds, *rounds[n])
	}
	return row, nil
}

func (a *Console) campaigns(v *visit) error {
	all, err := a.Campaigns.Store.Campaigns(v.Request.Context())
	if err != nil {
		return err
	}
	page := CampaignsPage{MayStart: v.may(http.MethodPost, "/admin/campagnes/nouvelle")}
	for _, c := range all {
		row, err := a.campaignRow(v.Request.Context(), c)
		if err != nil {
			return err
		}
		page.Campaigns = append(page.Campaigns, row)
	}
	return v.show("campaigns", page)
}

// CampaignPage is the data of templates/admin/campaign.html, GET
// /admin/campagnes/suivi/:id.
type CampaignPage struct {
	CampaignRow
	List     List
	State    string
	States   []Option
	Mails    []MailRow
	Profile  string // name of the profile in the page's language
	MayAct   bool
	MayStart bool
}

// MailRow is one mail with its recipient.
type MailRow struct {
	campaign.Recipient
	To domain.Person
}

var recipientStates = []campaign.RecipientState{campaign.Waiting, campaign.Sent, campaign.Skipped, campaign.Refused, campaign.Bounced}

func (a *Console) campaign(v *visit) error {
	page, err := a.progress(v.Request.Context(), v.Param("id"))
	if err != nil {
		return err
	}
	page.List = v.list([]string{"etat"}, []string{"-date"})
	page.State = page.List.Filter("etat")
	for _, s := range recipientStates {
		page.States = append(page.States, Option{Value: string(s), Chosen: string(s) == page.State})
	}
	mails, people, err := a.Lists.Recipients(v.Request.Context(), page.ID, campaign.RecipientState(page.State), page.List.Skip(), page.List.Per)
	if err != nil {
		return err
	}
	for i, m := range mails {
		page.Mails = append(page.Mails, MailRow{m, people[i]})
	}
	page.List.Count = len(mails)
	page.List.Total = 0
	for state, n := range page.Counts {
		if page.State == "" || state == page.State {
			page.List.Total += n
		}
	}
	page.Profile = a.profileNames(a.site.Lang(v.Context))[page.Segment.Profile]
	page.MayAct = v.may(http.MethodPost, "/admin/campagnes/suivi/:id/suspendre")
	return v.show("campaign", page)
}

func (a *Console) progress(ctx context.Context, id string) (CampaignPage, error) {
	c, err := a.Campaigns.Store.Campaign(ctx, id)
	if err != nil {
		return CampaignPage{}, err
	}
	row, err := a.campaignRow(ctx, c)
	return CampaignPage{CampaignRow: row}, err
}

// campaignLive sends the progress of a campaign as server-sent events.
func (a *Console) campaignLive(v *visit) error {
	id := v.Param("id")
	if _, err := a.Campaigns.Store.Campaign(v.Request.Context(), id); err != nil {
		return err
	}
	return v.live("campaign", "progress", 2*time.Second, func(ctx context.Context) (any, error) { return a.progress(ctx, id) })
}

func (a *Console) pauseCampaign(v *visit, _ web.Form) error {
	return a.moved(v, a.Campaigns.Pause(v.Request.Context(), v.Param("id"), v.entry("campaign.paused", "", nil)), "console.campaigns.paused")
}

func (a *Console) resumeCampaign(v *visit, _ web.Form) error {
	return a.moved(v, a.Campaigns.Resume(v.Request.Context(), v.Param("id"), v.entry("campaign.resumed", "", nil)), "console.campaigns.resumed")
}

func (a *Console) cancelCampaign(v *visit, form web.Form) error {
	if form["confirme"] == "" {
		return v.ask(ConfirmPage{Act: "console.act.campagnes.suivi.arreter", Danger: true}, form)
	}
	return a.moved(v, a.Campaigns.Cancel(v.Request.Context(), v.Param("id"), v.entry("campaign.cancelled", "", nil)), "console.campaigns.cancelled")
}

func (a *Console) moved(v *visit, err error, key string) error {
	to := "/admin/campagnes/suivi/" + v.Param("id")
	if errors.Is(err, campaign.ErrState) {
		return v.done(to, "console.campaigns.too_late")
	}
	if err != nil {
		return err
	}
	return v.done(to, key)
}

func atoi(s string, or int) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return or
	}
	return n
}
