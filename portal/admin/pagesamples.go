package admin

import (
	"time"

	"entree/internal/campaign"
	"entree/internal/charter"
	"entree/internal/domain"
)

// charterSamples returns sample data for the pages of charters, complete and
// empty.
func charterSamples() map[string][]any {
	at := time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	texts := charter.Texts{French: charter.Text{Title: "Charte", Markdown: "Un.", SHA256: "00"}, English: charter.Text{Title: "Charter", Markdown: "One.", SHA256: "01"}}
	version := charter.Version{ID: "v", Name: "2026-09", Texts: texts, PublishedAt: at, PublishedBy: "Ada", From: at}
	draft := charter.Draft{ID: "d", Name: "2027-01", Texts: texts, Revision: 2, EditedAt: at, EditedBy: "Ada"}
	profiles := []Option{{"etudiant", "Étudiant", true}}
	lines := []charter.Line{{Op: "same", Text: "a"}, {Op: "removed", Text: "b"}, {Op: "added", Text: "c"}, {Op: "gap", Text: "…"}}
	row := CharterRow{version, charter.Current, 3}
	return map[string][]any{
		"charters":        {ChartersPage{}, ChartersPage{Versions: []CharterRow{row, {version, charter.Past, 0}}, Drafts: []charter.Draft{draft, {}}, Profiles: profiles, MayWrite: true}},
		"charter_version": {VersionPage{CharterRow: CharterRow{version, charter.Scheduled, 0}}, VersionPage{CharterRow: row, French: "<p>Un.</p>", English: "<p>One.</p>", MayCallOff: true}},
		"charter_owed":    {OwedPage{}, OwedPage{Version: version, Profiles: profiles, People: []domain.Person{{ID: "p", Number: "22502142", GivenName: "Jeanne", FamilyName: "d’Arc", Login: "o22502142"}}}},
		"charter_draft":   {DraftPage{}, DraftPage{draft, profiles}},
		"charter_preview": {PreviewPage{}, PreviewPage{Draft: draft, Before: "2026-09", ChangesFR: lines, MayWrite: true}, PreviewPage{Draft: draft, Before: "2026-09"}},
		"charter_publish": {PublishPage{}, PublishPage{Draft: draft, Owing: 3, Later: true, At: "2026-09-01T08:00", Whole: true}},
		"evidence": {EvidencePage{}, EvidencePage{
			Person: domain.Person{ID: "p", Login: "o1"}, Acceptances: []domain.Acceptance{{Journey: "j", At: at, Version: "2026-09", Lang: "fr", SHA256: domain.HashCharter("x")}, {At: at, Version: "2026-01", Lang: "en", SHA256: domain.HashCharter("y")}}, Titles: []string{"Charte", "Charte"},
			Current: "2026-09", Owes: true, MayExport: true, PublicKey: "k", Fingerprint: "f",
		}},
	}
}

// campaignSamples returns sample data for the pages of campaigns.
func campaignSamples() map[string][]any {
	at := time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	var rows []CampaignRow
	for _, s := range []campaign.State{campaign.Running, campaign.Paused, campaign.Done, campaign.Cancelled} {
		rows = append(rows, CampaignRow{
			Campaign: campaign.Campaign{ID: "c", Name: "Rentrée", Kind: campaign.Invitation, State: s, StartAt: at, Rate: 60, RemindTimes: 2, RemindAfter: 7, Planned: 10, Segment: campaign.Segment{Cohort: "2026", Stage: domain.StageInvited.String(), LastMail: campaign.MailBefore, Before: at}},
			Counts:   map[string]int{"sent": 3}, Rounds: []Round{{Sent: 3}, {Number: 1, Waiting: 2}}, Now: at,
		})
	}
	rows[0].Now = at.Add(-time.Hour)
	rows[1].Kind, rows[1].Segment.LastMail, rows[1].RemindTimes = campaign.Charter, campaign.MailNever, 0
	mail := func(s campaign.RecipientState, why string) MailRow {
		return MailRow{campaign.Recipient{Person: "p", Round: len(why), State: s, Why: why, At: at}, domain.Person{Email: "a@b.fr", WrongAddress: "a@b.fr"}}
	}
	page := CampaignPage{CampaignRow: rows[0], Mails: []MailRow{mail(campaign.Sent, ""), mail(campaign.Skipped, "done"), mail(campaign.Bounced, "5.1.1")}, States: []Option{{Value: "sent"}}, MayAct: true}
	full := NewCampaignPage{Campaign: rows[1].Campaign, Profiles: []Option{{"etudiant", "Étudiant", true}}, Cohorts: []string{"2026"}, Later: true}
	invitation := NewCampaignPage{Campaign: rows[0].Campaign, Stages: domain.Stages()}
	invitation.Lang = domain.French
	return map[string][]any{
		"campaigns":    {CampaignsPage{}, CampaignsPage{rows, true}},
		"campaign":     {page, CampaignPage{CampaignRow: rows[1], MayAct: true}},
		"campaign_new": {invitation, full},
		"campaign_check": {CheckCampaignPage{}, CheckCampaignPage{NewCampaignPage: invitation, Count: 3, Minutes: 1}, CheckCampaignPage{
			NewCampaignPage: full, Count: 3, Letters: []MailPreview{{Lang: domain.French, Subject: "s", Text: "t"}, {Lang: domain.English, Reminder: true}}, Fields: []Hidden{{"nom", "x"}},
		}},
	}
}
