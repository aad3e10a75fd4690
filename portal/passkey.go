package portal

import (
	"html"
	"strings"

	"entree/internal/domain"
	"entree/portal/web"
)

// pathPasskey is the path of the offer of a passkey and of its registration.
const pathPasskey = "/activation/cle"

// OfferPage is drawn by templates/offer.html, GET and POST /activation/cle
// fields: choix (cle or mot-de-passe)
type OfferPage struct {
	Only      bool // the profile offers no password
	Elsewhere bool // Wi-Fi and workstations ask for a password
}

// PasskeyPage is drawn by templates/passkey.html, GET and POST /activation/cle
// fields: reponse (the device's answer, filled in by the page's script)
type PasskeyPage struct {
	Only    bool
	Login   string
	Options string // of navigator.credentials.create, JSON
}

// passkeyFields are the fields of both forms. An answer without attestation has about
// 1 kB; some devices send one although none was asked for.
var passkeyFields = []web.Field{{Name: "choix", Max: 20, Optional: true}, {Name: "reponse", Max: 32768, Optional: true}}

var (
	offerSamples   = []any{OfferPage{}, OfferPage{Only: true}, OfferPage{Elsewhere: true}}
	passkeySamples = []any{PasskeyPage{}, PasskeyPage{Only: true, Login: "o22502142", Options: `{"challenge":"AA"}`}}
)

// withoutPassword returns a refusal in the words of a profile that offers no password.
func withoutPassword(j domain.Journey, r *domain.Refusal) *domain.Refusal {
	if r == nil || !j.NeedsPasskey || r.Reason != domain.ReasonPasskeyFailed && r.Reason != domain.ReasonPasskeyAway {
		return r
	}
	only := *r
	only.Reason += "_only"
	return &only
}

func (p *Portal) showOffer(v *visit) error { return p.drawOffer(v, nil) }

func (p *Portal) drawOffer(v *visit, r *domain.Refusal) error {
	profile, _ := p.profile(v.journey.Profile)
	return v.show("offer", OfferPage{Only: v.journey.NeedsPasskey, Elsewhere: profile.PasswordElsewhere}, withoutPassword(v.journey, r), "")
}

// offered handles the choice between a passkey and a password. Any value but that of
// the passkey is the password, which works on every device.
func (p *Portal) offered(v *visit, form web.Form) error {
	again := func(r *domain.Refusal) error { return p.drawOffer(v, r) }
	if form["choix"] == "cle" {
		return v.outcome(p.Service.ChoosePasskey(v.Request.Context(), &v.journey), again)
	}
	if v.step != domain.StepOffer || v.journey.NeedsPasskey {
		return web.SeeOther(v.path())
	}
	return v.outcome(p.Service.Pass(v.Request.Context(), &v.journey, domain.StepOffer), again)
}

func (p *Portal) showPasskey(v *visit) error { return p.drawPasskey(v, nil) }

func (p *Portal) drawPasskey(v *visit, r *domain.Refusal) error {
	person, err := p.Service.PersonOf(v.Request.Context(), v.journey)
	if err != nil {
		return err
	}
	options, err := p.Service.PasskeyOptions(v.Request.Context(), v.journey)
	if err != nil {
		return err
	}
	return v.show("passkey", PasskeyPage{Only: v.journey.NeedsPasskey, Login: person.Login, Options: string(options)}, withoutPassword(v.journey, r), "")
}

// register passes the device's answer to the service.
func (p *Portal) register(v *visit, form web.Form) error {
	device := "computer"
	if strings.Contains(v.Request.UserAgent(), "Mobi") { // every browser of a telephone has this word
		device = "phone"
	}
	label := html.UnescapeString(string(p.site.View(v.Context, "").T("passkey.device." + device)))
	err := p.Service.AddPasskey(v.Request.Context(), &v.journey, []byte(form["reponse"]), label)
	return v.outcome(err, func(r *domain.Refusal) error { return p.drawPasskey(v, r) })
}
