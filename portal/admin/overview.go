package admin

// OverviewPage is drawn by templates/admin/overview.html, GET /admin
type OverviewPage struct{}

func overviewSamples() []any { return []any{OverviewPage{}} }

func (a *Console) overview(v *visit) error { return v.show("overview", OverviewPage{}) }
