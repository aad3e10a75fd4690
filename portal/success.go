package portal

// SuccessPage, templates/success.html, GET /activation/accueil-succes
type SuccessPage struct {
	GivenName string
	Login     string
	Address   string
	EntURL    string // "Accéder à mon ENT"
	Links     []NextLink
}

// NextLink is one of the configured next steps.
type NextLink struct{ Text, Help, URL string }

// success is shown exactly when the account is there (I3): the journey's step
// says so.
func (p *Portal) success(v *visit) error {
	person, err := p.Service.Behind(v.Request.Context(), v.journey)
	if err != nil {
		return err
	}
	return v.show("success", SuccessPage{
		GivenName: person.GivenName, Login: person.Login, Address: person.UniversityAddress,
		EntURL: pathLogin, Links: p.Links[p.site.Lang(v.Context)],
	}, nil, "")
}
