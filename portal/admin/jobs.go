package admin

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"entree/internal/domain"
	"entree/internal/overview"
	"entree/portal/web"
)

// JobsPage is the data of templates/admin/jobs.html, GET /admin/travaux.
// Filters: etat (abandonnes), genre.
type JobsPage struct {
	List    List
	GivenUp bool
	Kind    string
	Kinds   []string
	Jobs    []JobRow
}

// JobRow is one job.
type JobRow struct {
	overview.JobLine
	Label     string // message key of the kind
	Name      string // name of the webhook; empty for other jobs
	PersonURL string
	Again     bool  // this operator may send it again
	Now       bool  // this operator may start it now, with the same identifier
	Same      int64 // number of jobs that wait for the same cause, if there are others
}

// jobRow returns the row of a job. The kind of a webhook's job contains the
// name of the webhook after a colon, because each webhook has its own queue.
func jobRow(j overview.JobLine) JobRow {
	kind, name, _ := strings.Cut(j.Kind, ":")
	return JobRow{JobLine: j, Label: "console.job." + strings.ReplaceAll(kind, ".", "_"), Name: name}
}

// again is how long a letter that is sent again is retried.
const again = 72 * time.Hour

var letterFields = []web.Field{{Name: "id", Max: 64}}

// letterAgain sends a letter again that had been given up.
func (a *Console) letterAgain(v *visit, form web.Form) error {
	back := pathJobs + "?etat=abandonnes"
	entry := v.entry("job.sent_again", "", map[string]string{"job": form["id"]})
	err := a.Figures.SendAgain(v.Request.Context(), form["id"], a.Now().Add(again), entry)
	switch {
	case errors.Is(err, domain.ErrNotFound):
		return v.done(back, "console.jobs.gone")
	case err != nil:
		return err
	}
	return v.done(back, "console.jobs.again.done")
}

var hurryFields = []web.Field{{Name: "id", Max: 64, Optional: true}, {Name: "cause", Max: 1000, Optional: true}}

// hurry makes one account job due now, or all jobs that wait for the same
// cause.
func (a *Console) hurry(v *visit, form web.Form) error {
	back := pathJobs + "?genre=" + domain.JobAccount
	w := overview.WaitingJobs{Kind: domain.JobAccount, ID: form["id"], Reason: form["cause"]}
	if w.ID == "" && w.Reason == "" {
		return v.done(back, "console.jobs.hurry.none")
	}
	n, err := a.Figures.Hurry(v.Request.Context(), w, v.entry("job.hurried", "", map[string]string{"job": w.ID, "reason": w.Reason}))
	switch {
	case errors.Is(err, domain.ErrNotFound):
		return v.done(back, "console.jobs.hurry.none")
	case err != nil:
		return err
	case n > 1:
		return v.done(back, "console.jobs.hurry.all")
	}
	return v.done(back, "console.jobs.hurry.done")
}

// hurryPerson makes the account job of a person due now, with the current
// values of the registry and the same identifier.
func (a *Console) hurryPerson(v *visit, form web.Form) error {
	s, _ := seen(v, form)
	_, err := a.Figures.Hurry(v.Request.Context(), overview.WaitingJobs{Kind: domain.JobAccount, Person: s.Person}, v.entry("job.hurried", string(s.Person), nil))
	if errors.Is(err, domain.ErrNotFound) {
		return v.done(personURL(s.Person), "console.jobs.hurry.none")
	}
	if err != nil {
		return err
	}
	return v.done(personURL(s.Person), "console.jobs.hurry.done")
}

func (a *Console) jobs(v *visit) error {
	page := JobsPage{List: v.list([]string{"etat", "genre"}, []string{"le"}), Kinds: []string{domain.JobMail, domain.JobAccount, domain.JobPassword, domain.JobPasskey}}
	page.GivenUp, page.Kind = page.List.Filter("etat") == "abandonnes", page.List.Filter("genre")
	all, err := a.Figures.Jobs(v.Request.Context(), page.Kind, page.GivenUp, page.List.Skip(), page.List.Per)
	if err != nil {
		return err
	}
	if page.List.More = len(all) > page.List.Per; page.List.More {
		all = all[:page.List.Per]
	}
	page.List.Count = len(all)
	same := map[string]int64{}
	if !page.GivenUp {
		o, err := a.figures(v.Request.Context())
		if err != nil {
			return err
		}
		for _, c := range o.Causes {
			same[c.Kind+" "+c.Reason] = c.Count
		}
	}
	for _, j := range all {
		row := jobRow(j)
		row.Now = j.Kind == domain.JobAccount && j.GivenUp.IsZero() && j.Reason != "" && v.may(http.MethodPost, pathHurry)
		if n := same[j.Kind+" "+j.Reason]; row.Now && n > 1 {
			row.Same = n
		}
		row.Again = j.Letter && v.may(http.MethodPost, pathLetter)
		if j.Person != "" && v.may(http.MethodGet, pathPeople+"/:id") {
			row.PersonURL = pathPeople + "/" + string(j.Person)
		}
		page.Jobs = append(page.Jobs, row)
	}
	return v.show("jobs", page)
}

func jobsSamples() []any {
	at := time.Unix(0, 0)
	return []any{
		JobsPage{List: List{Total: -1}, Kinds: []string{domain.JobMail, domain.JobAccount}},
		JobsPage{List: List{Total: -1, Count: 1, Page: 2, Per: 1, More: true}, GivenUp: true, Kind: domain.JobMail, Kinds: []string{domain.JobMail}, Jobs: []JobRow{
			{JobLine: overview.JobLine{ID: "1", Attempts: 3, Created: at, RunAt: at, GivenUp: at, Reason: "550"}, Label: "console.job.mail", PersonURL: "/admin/personnes/p"},
			{JobLine: overview.JobLine{ID: "2", Attempts: 3, Created: at, RunAt: at, GivenUp: at, Letter: true}, Label: "console.job.webhook", Name: "ent", Again: true},
			{JobLine: overview.JobLine{ID: "3", Kind: domain.JobAccount, Attempts: 3, Created: at, RunAt: at, Reason: "400"}, Label: "console.job.account", Now: true, Same: 3},
		}},
	}
}
