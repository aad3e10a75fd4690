package admin

import (
	"time"

	"entree/activation"
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
	activation.JobLine
	PersonURL string
}

func (a *Console) jobs(v *visit) error {
	page := JobsPage{List: v.list([]string{"etat", "genre"}, []string{"le"}), Kinds: []string{activation.JobMail, activation.JobAccount}}
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
		row := JobRow{JobLine: j}
		if j.Person != "" && v.may("GET", pathPeople+"/:id") {
			row.PersonURL = pathPeople + "/" + string(j.Person)
		}
		page.Jobs = append(page.Jobs, row)
	}
	return v.show("jobs", page)
}

func jobsSamples() []any {
	at := time.Unix(0, 0)
	return []any{
		JobsPage{List: List{Total: -1}, Kinds: []string{activation.JobMail, activation.JobAccount}},
		JobsPage{List: List{Total: -1, Count: 1, Page: 2, Per: 1, More: true}, GivenUp: true, Kind: activation.JobMail, Kinds: []string{activation.JobMail}, Jobs: []JobRow{
			{activation.JobLine{ID: "1", Kind: activation.JobMail, Person: "p", Attempts: 3, Created: at, RunAt: at, GivenUp: at, Reason: "550"}, "/admin/personnes/p"},
			{activation.JobLine{ID: "2", Kind: activation.JobAccount, Attempts: 3, Created: at, RunAt: at, GivenUp: at}, ""},
		}},
	}
}
