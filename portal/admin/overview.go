package admin

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"entree/internal/domain"
	"entree/internal/overview"
)

// OverviewPage is the data of templates/admin/overview.html, GET /admin.
// Filters: profil, cohorte.
type OverviewPage struct {
	Live     string // address of the live part
	Nobody   bool   // no person has been imported yet
	Profiles []Pick
	Cohorts  []Pick
	Narrowed bool

	Steps  []FunnelStep // of the people that match the filters
	Groups []Group      // of the people that match the filters, by profile and cohort
	Sum    Group

	Day        Day
	Recoveries []RecoveryFigure // of today; none if no password was forgotten
	Claims     []ClaimFigure    // of the queue of addresses; none if it is empty and nothing was decided
	Stuck      []Stuck
	Realm      []string // findings about the realm, one line each

	Refusals    []overview.MailRefusals // mails that providers refused, by provider and reason
	ReturnedURL string                  // address of the page of returned mails; empty: the operator may not open it
}

// Pick is one value of a filter.
type Pick struct {
	Key, Name string
	Chosen    bool
}

// FunnelStep is one step of the funnel: the number of people who reached it or
// a later one.
type FunnelStep struct {
	Stage   string // message key console.stage.…
	Count   int64
	Percent string // percentage of all people, "63.2"; also the width of its bar
	Before  string // percentage of the previous step
}

// Group is one cohort of a profile.
type Group struct {
	Profile, Cohort string
	URL             string
	Counts          []int64 // by stage: number of people who reached it
	Percent         string  // percentage of people with an account
}

// Day describes the activations of today.
type Day struct {
	Total    int64
	Most     int64
	Width    int // number of quarters of an hour of this day: 92, 96 or 100
	Now      int // index of the current quarter
	Bars     []Bar
	Quarters []overview.Quarter
}

// RecoveryFigure is the number of today's recoveries that reached a state.
type RecoveryFigure struct {
	Key   string // message key console.recoveries.…
	Count int64
}

// recoveryFigures returns the figures of today's recoveries, or none if all are zero.
func recoveryFigures(o overview.Overview) []RecoveryFigure {
	r, waiting := o.Recoveries, int64(0)
	for _, j := range o.Jobs {
		if j.Kind == domain.JobPassword {
			waiting = j.Waiting + j.Planned
		}
	}
	if r == (overview.Recoveries{}) && waiting == 0 {
		return nil
	}
	return []RecoveryFigure{
		{"console.recoveries.asked", r.Asked}, {"console.recoveries.chosen", r.Chosen}, {"console.recoveries.replaced", r.Replaced},
		{"console.recoveries.refused", r.Refused}, {"console.recoveries.waiting", waiting},
	}
}

// ClaimFigure is a figure of the queue of addresses.
type ClaimFigure struct {
	Key   string // message key console.claims.figure.…
	Count int64
	Unit  string // message key of a unit, with the count; empty: a plain number
}

// claimFigures returns the figures of the queue of addresses.
func claimFigures(c overview.Claims) (out []ClaimFigure) {
	if c.Waiting == 0 && len(c.Decided) == 0 {
		return nil
	}
	out = append(out, ClaimFigure{Key: "console.claims.figure.waiting", Count: c.Waiting})
	if len(c.Decided) > 0 {
		median := ClaimFigure{Key: "console.claims.figure.median", Unit: "console.claims.days", Count: int64(c.Median / (24 * time.Hour))}
		switch {
		case c.Median < time.Hour:
			median.Unit, median.Count = "console.claims.minutes", int64(c.Median/time.Minute)
		case c.Median < 48*time.Hour:
			median.Unit, median.Count = "console.claims.hours", int64(c.Median/time.Hour)
		}
		out = append(out, median)
	}
	for _, state := range domain.ClaimStates() {
		if n := c.Decided[state]; n > 0 {
			out = append(out, ClaimFigure{Key: "console.claims.state." + string(state), Count: n})
		}
	}
	return out
}

// Bar is one quarter of an hour in the chart, in the units of the chart.
type Bar struct {
	X            int
	Y, Height    string
	Count        int64
	Until, Since time.Time
}

// Stuck is one line of the list of problems. Problems with a count of 0 are
// omitted.
type Stuck struct {
	Key   string // message key
	Count int64
	Since time.Time
	URL   string
	Bad   bool   // an operator must act: it does not resolve by itself
	Cause string // response of the server that causes it
}

// liveEvery is the interval at which the live part is updated.
const liveEvery = 3 * time.Second

// overviewCache shares one result among concurrent requests.
type overviewCache struct {
	mu sync.Mutex
	at time.Time
	o  overview.Overview
}

// overviewLife is how long a result is reused.
const overviewLife = 2 * time.Second

func (a *Console) figures(ctx context.Context) (overview.Overview, error) {
	a.seen.mu.Lock()
	defer a.seen.mu.Unlock()
	now := a.Now()
	if age := now.Sub(a.seen.at); age >= 0 && age < overviewLife {
		return a.seen.o, nil
	}
	o, err := a.Figures.Overview(ctx, midnight(now.In(a.Zone)))
	if err == nil {
		a.seen.at, a.seen.o = now, o
	}
	return o, err
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

func (a *Console) overview(v *visit) error {
	page, err := a.overviewPage(v.Request.Context(), v)
	if err != nil {
		return err
	}
	return v.show("overview", page)
}

func (a *Console) overviewLive(v *visit) error {
	return v.live("overview", "live", liveEvery, func(ctx context.Context) (any, error) { return a.overviewPage(ctx, v) })
}

func (a *Console) overviewPage(ctx context.Context, v *visit) (OverviewPage, error) {
	o, err := a.figures(ctx)
	if err != nil {
		return OverviewPage{}, err
	}
	q := v.Request.URL.Query()
	profile, cohort := q.Get("profil"), q.Get("cohorte")
	page := OverviewPage{
		Live: "/admin/en-direct?" + url.Values{"profil": {profile}, "cohorte": {cohort}}.Encode(), Nobody: len(o.Funnel) == 0,
		Narrowed: profile != "" || cohort != "", Day: dayOf(o.Quarters, a.Now().In(a.Zone)), Stuck: a.stuck(v, o), Recoveries: recoveryFigures(o), Claims: claimFigures(o.Claims), Refusals: o.Refusals, ReturnedURL: a.returnedURL(v),
	}
	if a.Realm != nil {
		page.Realm = a.Realm()
	}
	names := map[string]string{}
	for _, p := range a.Profiles {
		names[p.Key] = cmp.Or(p.Names[a.site.Lang(v.Context)], p.Names[domain.French])
		page.Profiles = append(page.Profiles, Pick{p.Key, names[p.Key], p.Key == profile})
	}
	stages := len(domain.Stages())
	page.Sum.Counts = make([]int64, stages)
	cohorts := map[string]bool{}
	for _, s := range o.Funnel {
		cohorts[s.Cohort] = true
		if profile != "" && s.Profile != profile || cohort != "" && s.Cohort != cohort {
			continue
		}
		last := len(page.Groups) - 1
		name := cmp.Or(names[s.Profile], s.Profile)
		if last < 0 || page.Groups[last].Profile != name || page.Groups[last].Cohort != s.Cohort {
			page.Groups = append(page.Groups, Group{
				Profile: name, Cohort: s.Cohort, Counts: make([]int64, stages),
				URL: root + "?" + url.Values{"profil": {s.Profile}, "cohorte": {s.Cohort}}.Encode(),
			})
			last++
		}
		for stage := range int(s.Stage) + 1 { // a later stage includes the earlier ones
			page.Groups[last].Counts[stage] += s.Count
			page.Sum.Counts[stage] += s.Count
		}
	}
	for i := range page.Groups {
		page.Groups[i].Percent = percent(page.Groups[i].Counts[domain.StageAccount], page.Groups[i].Counts[0])
	}
	page.Sum.Percent = percent(page.Sum.Counts[domain.StageAccount], page.Sum.Counts[0])
	before := page.Sum.Counts[0]
	for _, stage := range domain.Stages() {
		n := page.Sum.Counts[stage]
		page.Steps = append(page.Steps, FunnelStep{"console.stage." + stage.String(), n, percent(n, page.Sum.Counts[0]), percent(before, page.Sum.Counts[0])})
		before = n
	}
	delete(cohorts, "")
	for c := range cohorts {
		page.Cohorts = append(page.Cohorts, Pick{c, c, c == cohort})
	}
	slices.SortFunc(page.Cohorts, func(a, b Pick) int { return cmp.Compare(a.Key, b.Key) })
	return page, nil
}

func percent(n, of int64) string {
	if of == 0 {
		return "0"
	}
	return fmt.Sprintf("%.1f", 100*float64(n)/float64(of))
}

// dayOf returns the quarters of an hour of today, in the time zone of now. A
// day has 92, 96 or 100 of them.
func dayOf(quarters []overview.Quarter, now time.Time) Day {
	begin := midnight(now)
	end := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, now.Location())
	d := Day{Width: int(end.Sub(begin) / (15 * time.Minute)), Now: int(now.Sub(begin) / (15 * time.Minute)), Quarters: quarters}
	for _, q := range quarters {
		d.Total += q.Count
		d.Most = max(d.Most, q.Count)
	}
	for _, q := range quarters {
		height := 100 * float64(q.Count) / float64(d.Most)
		d.Bars = append(d.Bars, Bar{
			X: int(q.At.Sub(begin) / (15 * time.Minute)), Y: fmt.Sprintf("%.1f", 100-height), Height: fmt.Sprintf("%.1f", height), Count: q.Count,
			Since: q.At, Until: q.At.Add(15 * time.Minute),
		})
	}
	return d
}

// stuck returns the problems that need attention. Each links to its list if the
// operator may open the list.
func (a *Console) stuck(v *visit, o overview.Overview) (out []Stuck) {
	add := func(s Stuck, list string) {
		if s.Count == 0 {
			return
		}
		if s.URL = list + s.URL; !v.may(http.MethodGet, list) {
			s.URL = ""
		}
		out = append(out, s)
	}
	for _, j := range o.Jobs {
		add(Stuck{Key: "console.stuck.given_up." + jobWord(j.Kind), Count: j.GivenUp, URL: "?etat=abandonnes&genre=" + url.QueryEscape(j.Kind), Bad: true}, pathJobs)
	}
	add(Stuck{Key: "console.stuck.parked", Count: o.Parked, URL: "?etat=parked", Bad: true}, pathPeople)
	add(Stuck{Key: "console.stuck.wrong", Count: o.Wrong, URL: "?etat=" + wrongAddress, Bad: true}, pathPeople)
	add(Stuck{Key: "console.stuck.claims", Count: o.Claims.Waiting, Since: o.Claims.Oldest}, pathClaims)
	for _, c := range o.Causes {
		if c.Kind == domain.JobAccount && c.Count > overview.ManyJobs {
			add(Stuck{Key: "console.stuck.cause", Count: c.Count, Since: c.Since, URL: "?genre=" + c.Kind, Bad: true, Cause: c.Reason}, pathJobs)
		}
	}
	for _, j := range o.Jobs {
		// A job that has waited for less than a minute is normal.
		if j.Waiting > 0 && a.Now().Sub(j.Oldest) > time.Minute {
			add(Stuck{Key: "console.stuck.waiting." + jobWord(j.Kind), Count: j.Waiting, Since: j.Oldest, URL: "?genre=" + url.QueryEscape(j.Kind)}, pathJobs)
		}
	}
	return out
}

// jobWord returns the last part of the message key for jobs of a kind: each kind
// has its own words, because "account" is wrong for all but two.
func jobWord(kind string) string {
	switch kind, _, _ := strings.Cut(kind, ":"); kind {
	case domain.JobAccount, "adopt":
		return "accounts"
	case domain.JobMail, "campaign.mail":
		return "mails"
	case domain.JobCharter:
		return "charters"
	case "campaign":
		return "campaigns"
	case "bounces":
		return "bounces"
	case "webhook":
		return "webhooks"
	}
	return "jobs"
}
