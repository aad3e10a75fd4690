package portal

import "entree/internal/domain"

// SuccessPage is drawn by templates/success.html, GET /activation/accueil-succes
type SuccessPage struct {
	GivenName string
	Login     string
	Address   string
	EntURL    string // "Accéder à mon ENT"
	Links     []NextLink
	// KeepPassword says that a passkey is offered at the first login, and that Wi-Fi and
	// workstations go on asking for the password; LacksPassword that they ask for one,
	// which an account that was made with a passkey may lack.
	KeepPassword, LacksPassword bool
}

// NextLink is one of the configured links on the success page.
type NextLink struct{ Text, Help, URL string }

var successSamples = []any{SuccessPage{}, SuccessPage{
	GivenName: "Jeanne", Login: "o22502142", Address: "jeanne.martin@etu.exemple.fr", EntURL: pathLogin,
	Links:        []NextLink{{Text: "Déposez vos pièces jointes", Help: "Pour finaliser votre inscription", URL: "https://exemple.fr/"}},
	KeepPassword: true, LacksPassword: true,
}}

// success shows the success page. The journey's step is done if and only if the
// account exists, or has the new password (I3).
func (p *Portal) success(v *visit) error {
	v.tellFirst()
	person, err := p.Service.PersonOf(v.Request.Context(), v.journey)
	if err != nil {
		return err
	}
	page := SuccessPage{GivenName: person.CalledBy(), Login: person.Login, Address: person.UniversityAddress, EntURL: pathLogin}
	if v.journey.Purpose == domain.PurposeActivate {
		page.Links = p.Links[p.site.Lang(v.Context)]
		if profile, _ := p.profile(v.journey.Profile); profile.PasswordElsewhere {
			page.LacksPassword = !v.journey.MadeAt.IsZero()
			page.KeepPassword = !page.LacksPassword && profile.Credential.PasskeyAfterLogin()
		}
	}
	return v.show("success", page, nil, "")
}
