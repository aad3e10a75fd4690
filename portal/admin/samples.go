package admin

import (
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"time"

	"entree/internal/domain"
	"entree/internal/overview"
	"entree/portal/web"
)

// samples returns sample data by page, with more than one value for pages with
// branches. The portal draws every page with them at the start.
func samples() map[string][]any {
	all := map[string][]any{
		"overview": overviewSamples(),
		"people":   peopleSamples(),
		"person":   personSamples(),
		"deskcode": deskCodeSamples(),
		"imports":  importsSamples(),
		"import":   importSamples(),
		"confirm": {
			ConfirmPage{Act: "console.act.deconnexion", Action: root, Back: root},
			ConfirmPage{Act: "console.act.audit.export", Action: root, Back: root, Proved: true, File: true},
			ConfirmPage{Act: "console.act.deconnexion", Action: root, Back: root, Danger: true, Proved: true, Fields: []Hidden{{"motif", "…"}}},
		},
		"jobs":     jobsSamples(),
		"limits":   limitsSamples(),
		"claims":   claimsSamples(),
		"sheets":   sheetsSamples(),
		"factors":  factorsSamples(),
		"returned": returnedSamples(),
		"audit":    auditSamples(),
		"erase":    {ErasePage{Name: "Jeanne Martin", Number: "1", Accepted: 1, Login: "o1", DataURL: root}, ErasePage{Erased: time.Unix(0, 0)}},
		"error":    errorSamples(),
	}
	maps.Copy(all, charterSamples())
	maps.Copy(all, campaignSamples())
	maps.Copy(all, accountsSamples())
	return all
}

func errorSamples() (pages []any) {
	for _, key := range []string{
		"forbidden", "not_found", "method", "too_many", "busy", "internal", "stale", "cookies", "host", "sso", "sso_denied", "too_large", "malformed",
		"console_role", "console_no_role", "console_ended",
	} {
		pages = append(pages, errorPage(&web.Error{Status: http.StatusForbidden, Key: key}, template.HTML("dans 4 minutes")))
	}
	return pages
}

func pageNames() []string { return slices.Sorted(maps.Keys(samples())) }

// DrawSamples does for the console what portal.DrawSamples does for all pages.
func (a *Console) DrawSamples(each func(name string, page []byte) error) error {
	frames := []Frame{
		{Other: domain.English, Switch: root},
		{Operator: "Ada Admin", Role: Admin, Other: domain.French, Switch: root, Undo: root},
	}
	for _, item := range rail {
		frames[1].Rail = append(frames[1].Rail, RailItem{item.path, item.key, item.path == root})
	}
	for name, pages := range samples() {
		for k, data := range pages {
			for i, lang := range []domain.Lang{domain.French, domain.English} {
				title := "console." + name + ".title"
				if e, ok := data.(ErrorPage); ok {
					title = "error." + e.Key + ".title"
				}
				view := a.site.Sample(lang, title).With(data)
				frames[i].Search = i > 0 && name != "people" // which has a search field of its own
				view.Frame = frames[i]
				if i > 0 {
					view.Token, view.Reference, view.Notice, view.Now = "jeton", "7K3F-9Q2M-0XVB", "…", time.Unix(0, 0)
					view.Errors = []web.FieldError{{Field: "motif", Message: "…"}}
				}
				drawn, err := a.site.Draw(name, view)
				if err != nil {
					return fmt.Errorf("console: %w", err)
				}
				if err := each(fmt.Sprintf("console-%s-%d-%s", name, k+1, lang), drawn); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func overviewSamples() []any {
	at := time.Unix(0, 0)
	page := OverviewPage{
		Recoveries: recoveryFigures(overview.Overview{Recoveries: overview.Recoveries{Asked: 1}}),
		Claims:     claimFigures(overview.Claims{Waiting: 3, Oldest: at, Median: 26 * time.Hour, Decided: map[domain.ClaimState]int64{domain.ClaimDone: 2, domain.ClaimRefused: 1}}),
		Live:       "/admin/en-direct", Profiles: []Pick{{"etudiant", "Étudiant", true}}, Cohorts: []Pick{{"L1", "L1", false}}, Narrowed: true, Realm: []string{"…"},
		Refusals: []overview.MailRefusals{{Provider: "Orange", Reason: "policy", Since: at, Last: at, Count: 312}}, ReturnedURL: pathReturned,
		Groups: []Group{{"Étudiant", "L1", root, []int64{9, 8, 7, 6, 5, 4, 3}, "44.4"}}, Sum: Group{Counts: []int64{9, 8, 7, 6, 5, 4, 3}, Percent: "44.4"},
		Day:   dayOf([]overview.Quarter{{At: at, Count: 2}}, at.UTC()),
		Stuck: []Stuck{{Key: "console.stuck.parked", Count: 2, URL: root, Bad: true}, {Key: "console.stuck.waiting.accounts", Count: 1, Since: at}},
	}
	for _, s := range domain.Stages() {
		page.Steps = append(page.Steps, FunnelStep{"console.stage." + s.String(), 1, "10.0", "20.0"})
	}
	return []any{OverviewPage{Nobody: true, Sum: Group{Counts: make([]int64, len(domain.Stages()))}}, page}
}
