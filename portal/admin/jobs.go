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

// JobsPage is drawn by templates/admin/jobs.html, GET /admin/travaux
// filters: etat (abandonnes), genre
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
	Label     string // message key of what it is
	Name      string // of the webhook
	PersonURL string
	Again     bool // this operator may have it done once more
}

// jobRow says what a job is. The kinds with a name of their own are the
// webhooks, a queue for each.
func jobRow(j overview.JobLine) JobRow {
	kind, name, _ := strings.Cut(j.Kind, ":")
	return JobRow{JobLine: j, Label: "console.job." + strings.ReplaceAll(kind, ".", "_"), Name: name}
}

// again is how long a letter that is sent once more is tried for.
const again = 72 * time.Hour

var letterFields = []web.Field{{Name: "id", Max: 64}}

// letterAgain takes a dead letter up again.
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

func (a *Console) jobs(v *visit) error {
	page := JobsPage{List: v.list([]string{"etat", "genre"}, []string{"le"}), Kinds: []string{domain.JobMail, domain.JobAccount}}
	page.GivenUp, page.Kind = page.List.Filter("etat") == "abandonnes", page.List.Filter("genre")
	all, err := a.Figures.Jobs(v.Request.Context(), page.Kind, page.GivenUp, page.List.Skip(), page.List.Per)
	if err != nil {
		return err
	}
	if page.List.More = len(all) > page.List.Per; page.List.More {
		all = all[:page.List.Per]
	}
	page.List.Count = len(all)
	for _, j := range all {
		row := jobRow(j)
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
		}},
	}
}
