package main

import (
	"strings"
	"testing"
)

// The schema commands need no secret; a newer schema is refused by every
// command that opens the database, with one line, and by serve.
func TestO2_SchemaCommands(t *testing.T) {
	i := install(t)
	i.Environ = nil
	if out, errs, err := i.entree("schema", "status"); err != nil || !strings.Contains(out, "is empty") {
		t.Fatalf("%v %s%s", err, out, errs)
	}
	if out, errs, err := i.entree("schema", "migrate"); err != nil || !strings.Contains(out, "Created schema version") {
		t.Fatalf("%v %s%s", err, out, errs)
	}
	for command, want := range map[string]string{"status": "which this program needs", "migrate": "already"} {
		if out, errs, err := i.entree("schema", command); err != nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v %s%s", command, err, out, errs)
		}
	}
}
