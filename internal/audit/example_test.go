package audit_test

import (
	"fmt"
	"time"

	"entree/internal/audit"
)

// Each link holds the hash of the one before, so a changed entry breaks the chain
// from there on.
func ExampleVerifier() {
	at := time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	by := audit.Operator{Subject: "s1", Name: "Ada", Role: "helpdesk"}
	first := audit.Chain(audit.Entry{At: at, By: by, Act: "person.held", Whom: "p1"}, 1, audit.Origin, "salt one")
	second := audit.Chain(audit.Entry{At: at.Add(time.Hour), By: by, Act: "person.released", Whom: "p1"}, 2, first.Hash, "salt two")

	verify := func(links ...audit.Link) {
		var v audit.Verifier
		faults := 0
		for _, l := range links {
			for _, f := range v.Next(l) {
				faults++
				fmt.Println(f)
			}
		}
		faults += len(v.End(audit.Head{Seq: second.Seq, Hash: second.Hash}))
		fmt.Println(faults, "faults")
	}
	verify(first, second)
	forged := first
	forged.By.Name = "Grace"
	verify(forged, second)
	// Output:
	// 0 faults
	// entry 1 (person.held): changed
	// 1 faults
}
