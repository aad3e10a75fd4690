package portal

import (
	"slices"
	"testing"

	"entree/internal/domain"
)

func TestAFlowsStepWithoutAPageIsRefusedAtTheStart(t *testing.T) {
	p := &Portal{}
	p.flows = p.flowPages()
	if err := p.checkFlows(); err != nil {
		t.Fatal(err)
	}
	for i, page := range p.flows[domain.PurposeActivate] {
		without := slices.Delete(slices.Clone(p.flows[domain.PurposeActivate]), i, i+1)
		q := &Portal{flows: map[domain.Purpose][]flowPage{domain.PurposeActivate: without}}
		if q.checkFlows() == nil {
			t.Errorf("a table without the step %q is taken", page.step)
		}
	}
}
