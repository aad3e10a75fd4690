package portal

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"entree/internal/domain"
)

// WaitingPage is drawn by templates/waiting.html, GET /activation/en-cours
type WaitingPage struct {
	GivenName string
	Email     string // where the mail will arrive, masked: j•••@exemple.fr
	Refresh   int    // seconds
	Reference string
	Refused   string // field that Keycloak refuses; empty if the creation is under way
}

// ParkedPage is drawn by templates/parked.html: an administrator must decide.
type ParkedPage struct {
	Reference, Refused string
	Barred             string // why a password is not replaced, a domain.Bar; empty in an activation
}

// refreshEvery is the time between two requests of the waiting page, in seconds.
const refreshEvery = 5

// refusedEvery is the same while a value has to be corrected.
const refusedEvery = 60

var (
	waitingSamples = []any{WaitingPage{}, WaitingPage{GivenName: "Jeanne", Email: "j•••@exemple.fr", Refresh: 5, Reference: "7K3F-9Q2M"},
		WaitingPage{GivenName: "Jeanne", Email: "j•••@exemple.fr", Refresh: 60, Reference: "7K3F-9Q2M", Refused: "given_name"}, WaitingPage{Refused: "phone"}}
	parkedSamples = []any{ParkedPage{}, ParkedPage{Reference: "7K3F-9Q2M"}, ParkedPage{Refused: "login"},
		ParkedPage{Barred: "factor"}, ParkedPage{Barred: "frozen"}, ParkedPage{Barred: "away"}}
)

func (p *Portal) parked(v *visit) error {
	return v.show("parked", ParkedPage{Reference: v.journey.Reference, Refused: v.journey.Refused, Barred: string(v.journey.Barred)}, nil, "")
}

func (p *Portal) waiting(v *visit) error {
	v.tellFirst()
	person, err := p.Service.PersonOf(v.Request.Context(), v.journey)
	if err != nil {
		return err
	}
	every := refreshEvery
	if v.journey.Refused != "" { // the registrar has to correct it first
		every = refusedEvery
	}
	v.Header("Refresh", strconv.Itoa(every))
	return v.show("waiting", WaitingPage{
		GivenName: person.CalledBy(), Email: masked(v.journey.Address), Refresh: every, Reference: v.journey.Reference, Refused: v.journey.Refused,
	}, nil, "")
}

// masked hides most of an address, so that only its owner recognises it.
func masked(a domain.Address) string {
	local, domain, _ := strings.Cut(a.Display(), "@")
	_, size := utf8.DecodeRuneInString(local)
	return local[:size] + "•••@" + domain
}
