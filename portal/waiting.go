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
}

// ParkedPage is drawn by templates/parked.html: an administrator must decide.
type ParkedPage struct{ Reference string }

// refreshEvery is the time between two requests of the waiting page, in seconds.
const refreshEvery = 5

var (
	waitingSamples = []any{WaitingPage{}, WaitingPage{GivenName: "Jeanne", Email: "j•••@exemple.fr", Refresh: 5, Reference: "7K3F-9Q2M"}}
	parkedSamples  = []any{ParkedPage{}, ParkedPage{Reference: "7K3F-9Q2M"}}
)

func (p *Portal) parked(v *visit) error {
	return v.show("parked", ParkedPage{Reference: v.journey.Reference}, nil, "")
}

func (p *Portal) waiting(v *visit) error {
	v.tellFirst()
	person, err := p.Service.Behind(v.Request.Context(), v.journey)
	if err != nil {
		return err
	}
	v.Header("Refresh", strconv.Itoa(refreshEvery))
	return v.show("waiting", WaitingPage{
		GivenName: person.GivenName, Email: masked(v.journey.Address), Refresh: refreshEvery, Reference: v.journey.Reference,
	}, nil, "")
}

// masked hides most of an address, so that only its owner recognises it.
func masked(a domain.Address) string {
	local, domain, _ := strings.Cut(a.Display(), "@")
	_, size := utf8.DecodeRuneInString(local)
	return local[:size] + "•••@" + domain
}
