package portal

import (
	"fmt"
	"slices"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
	"entree/portal/web"
)

// flowPage is the page of one step of a flow.
type flowPage struct {
	step domain.Step
	path string
	bar  int // position in the progress bar; 0: no bar
	show func(*visit) error
	// act handles the form that the page posts to its own path; nil: none.
	act    func(*visit, web.Form) error
	fields []web.Field
	// readAt and actAt list further steps at which the page may be read, or at
	// which its form is accepted.
	readAt, actAt []domain.Step
	name          string // of the template and of the title's message key
	samples       []any  // drawn once when the program starts: empty data and full data
}

// activate is the table of the pages of the flow [domain.PurposeActivate].
func (p *Portal) activate() []flowPage {
	return []flowPage{
		{step: domain.StepCode, path: pathCode, bar: 1, show: p.codePage, act: p.prove, fields: codeFields, name: "code", samples: codeSamples},
		{step: domain.StepVerify, path: "/activation/verification", bar: 1, show: p.showVerify, act: p.verify, fields: verifyFields, name: "verify", samples: verifySamples},
		{step: domain.StepCharter, path: "/activation/charte", bar: 2, show: p.showCharter, act: p.accept, fields: charterFields, name: "charter", samples: charterSamples},
		{step: domain.StepOffer, path: pathPasskey, bar: 3, show: p.showOffer, act: p.offered, fields: passkeyFields, name: "offer", samples: offerSamples,
			readAt: []domain.Step{domain.StepGuide, domain.StepPassword}, actAt: []domain.Step{domain.StepGuide, domain.StepPassword}},
		{step: domain.StepGuide, path: "/activation/entre-mdp", bar: 3, show: p.showGuide, act: p.pass(domain.StepGuide), name: "guide", samples: guideSamples,
			readAt: []domain.Step{domain.StepPassword, domain.StepPasskey}},
		{step: domain.StepPassword, path: "/activation/mot-de-passe", bar: 3, show: p.showPassword, act: p.choose, fields: passwordFields, name: "password", samples: passwordSamples,
			readAt: []domain.Step{domain.StepPasskey}, actAt: []domain.Step{domain.StepPasskey, domain.StepWaiting, domain.StepDone}}, // or a second press
		{step: domain.StepPasskey, path: pathPasskey, bar: 3, show: p.showPasskey, act: p.register, fields: passkeyFields, name: "passkey", samples: passkeySamples},
		{step: domain.StepWaiting, path: pathWaiting, bar: 3, show: p.waiting, name: "waiting", samples: waitingSamples},
		{step: domain.StepParked, path: pathWaiting, bar: 3, show: p.parked, name: "parked", samples: parkedSamples},
		{step: domain.StepDone, path: pathSuccess, bar: 4, show: p.success, name: "success", samples: successSamples},
		{step: domain.StepEnded, path: pathCode, show: p.showEnded, name: "ended", samples: endedSamples},
	}
}

// notInRecovery are the steps of an activation that a recovery has not.
var notInRecovery = []domain.Step{domain.StepCharter, domain.StepOffer, domain.StepPasskey}

// recovery is the table of the pages of the flow [domain.PurposeRecover]: those of the
// activation without the charter, with other words.
func (p *Portal) recovery() []flowPage {
	bars := map[domain.Step]int{domain.StepCode: 1, domain.StepVerify: 1, domain.StepGuide: 2, domain.StepPassword: 2, domain.StepWaiting: 2, domain.StepParked: 2, domain.StepDone: 3}
	var pages []flowPage
	for _, page := range p.activate() {
		if !slices.Contains(notInRecovery, page.step) {
			page.bar = bars[page.step]
			pages = append(pages, page)
		}
	}
	return pages
}

// flowPages returns the table of each flow.
func (p *Portal) flowPages() map[domain.Purpose][]flowPage {
	return map[domain.Purpose][]flowPage{domain.PurposeActivate: p.activate(), domain.PurposeRecover: p.recovery(), domain.PurposeAddress: p.changeOfAddress(), domain.PurposeClaim: p.claimed()}
}

// wordsOf is the prefix of the message keys of a purpose's own words.
func wordsOf(purpose domain.Purpose) string {
	switch purpose {
	case domain.PurposeRecover:
		return "recover."
	case domain.PurposeAddress, domain.PurposeClaim:
		return "address."
	}
	return ""
}

// dress sets the words and the step bar of a purpose in a view.
func dress(view *web.View, purpose domain.Purpose) {
	view.Words = wordsOf(purpose)
	view.Bar = []web.BarStep{{N: 1, Key: "steps.1"}, {N: 2, Key: "steps.2"}, {N: 3, Key: "steps.3"}}
	if purpose == domain.PurposeRecover {
		view.Bar = []web.BarStep{{N: 1, Key: "steps.1"}, {N: 2, Key: "recover.steps.2"}}
	}
}

// firstPath is the path of the page on which a purpose begins.
func firstPath(purpose domain.Purpose) string {
	switch purpose {
	case domain.PurposeRecover:
		return pathForgotten
	case domain.PurposeAddress:
		return pathContact
	case domain.PurposeClaim:
		return pathClaim
	}
	return pathRequest
}

// checkFlows reports a step of a flow that has no page.
func (p *Portal) checkFlows() error {
	for _, f := range domain.Flows() {
		steps := domain.Outcomes()
		for _, s := range f.Steps {
			steps = append(steps, s.Step)
		}
		for _, s := range steps {
			if !slices.ContainsFunc(p.flows[f.Purpose], func(page flowPage) bool { return page.step == s }) {
				return fmt.Errorf("portal: the step %q of the flow %q has no page", s, f.Purpose)
			}
		}
	}
	return nil
}

// pageOf returns the page of a journey that is at a step.
func (p *Portal) pageOf(j domain.Journey, step domain.Step) flowPage {
	for _, page := range p.flows[j.Purpose] {
		if page.step == step {
			return page
		}
	}
	return flowPage{path: pathRequest} // a journey of a later version; it has ended
}

// flowRoutes registers the pages of every flow. Two steps, and two flows, may
// share a path: the journey decides which page is shown.
func (p *Portal) flowRoutes() {
	seen, posted := map[string]bool{}, map[string]bool{}
	for _, f := range domain.Flows() {
		for _, page := range p.flows[f.Purpose] {
			if !seen[page.path] {
				seen[page.path] = true
				p.site.Get(page.path, p.read(func(v *visit) func(*visit) error { return v.shown(page.path) }))
			}
			if page.act != nil && !posted[page.path] {
				posted[page.path] = true
				p.site.Post(page.path, p.write(page.fields, func(v *visit) func(*visit, web.Form) error { return v.accepted(page.path) }))
			}
		}
	}
}

// shown returns the handler of the page at a path that the journey may read now,
// or nil.
func (v *visit) shown(path string) func(*visit) error {
	for _, page := range v.portal.flows[v.journey.Purpose] {
		if page.path == path && (page.step == v.step || slices.Contains(page.readAt, v.step)) {
			return page.show
		}
	}
	return nil
}

// accepted returns the handler of the form at a path that the journey may send
// now, or nil.
func (v *visit) accepted(path string) func(*visit, web.Form) error {
	for _, page := range v.portal.flows[v.journey.Purpose] {
		if page.path == path && page.act != nil && (page.step == v.step || slices.Contains(page.actAt, v.step)) {
			return page.act
		}
	}
	return nil
}

// pass returns the act of a page that only has to be read.
func (p *Portal) pass(step domain.Step) func(*visit, web.Form) error {
	return func(v *visit, _ web.Form) error {
		return v.outcome(p.Service.Pass(v.Request.Context(), &v.journey, step), func(r *domain.Refusal) error { return r })
	}
}

// page returns the handler of a page outside the table, readable at the given
// steps.
func (p *Portal) page(h func(*visit) error, at ...domain.Step) func(*gin.Context) error {
	return p.read(func(v *visit) func(*visit) error {
		if slices.Contains(at, v.step) {
			return h
		}
		return nil
	})
}

// act returns the handler of a form outside the table, accepted at the given
// steps; without a step, at any.
func (p *Portal) act(h func(*visit, web.Form) error, at ...domain.Step) func(*gin.Context) error {
	return p.write(nil, func(v *visit) func(*visit, web.Form) error {
		if len(at) == 0 || slices.Contains(at, v.step) {
			return h
		}
		return nil
	})
}
