// Package model_test checks the models of docs/model with spin: every interleaving
// of each, and that each finds the faults that are planted in it.
package model_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// check returns the verifier's output for a model with a planted fault, or for the
// unchanged model if plant is empty.
func check(t *testing.T, file, plant string) string {
	t.Helper()
	model, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	run := func(name string, args ...string) string {
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		said, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, said)
		}
		return string(said)
	}
	options := []string{"-a", model}
	if plant != "" {
		options = append([]string{"-D" + plant}, options...)
	}
	run("spin", options...)
	run("cc", "-O2", "-w", "-DSAFETY", "-DMEMLIM=2000", "-o", "pan", "pan.c")
	return run(filepath.Join(dir, "pan"), "-m100000")
}

func TestI1toI3_HoldInEveryInterleaving(t *testing.T) { holds(t, "account.pml") }

func TestTheNewestPasswordWinsInEveryInterleaving(t *testing.T) { holds(t, "recovery.pml") }

// holds fails unless the verifier searched every state and found no error.
func holds(t *testing.T, file string) {
	t.Helper()
	said := check(t, file, "")
	if !strings.Contains(said, "errors: 0") || strings.Contains(said, "Search not completed") || strings.Contains(said, "max search depth too small") {
		t.Errorf("%s does not hold, or was not searched completely:\n%s", file, said)
	}
}

func TestAPlantedFaultIsFound(t *testing.T) {
	find(t, "account.pml", map[string]string{
		"PLANT_409":       "owner[1]!=2", // S42: an account of another origin is changed
		"PLANT_MARK":      "kcPassword",  // I3: a student who was shown success cannot log in
		"PLANT_SILENT":    "kcPassword",
		"PLANT_UNSOUGHT":  "owner[1]==1", // I1: two accounts
		"PLANT_UNMATCHED": "owner[1]==1",
		"PLANT_AGAIN":     "owner[1]==1",
	})
	find(t, "recovery.pml", map[string]string{
		"PLANT_ANY":      "j>=last", // an older password undoes a newer one
		"PLANT_OLDER":    "j>=last",
		"PLANT_RESTORED": "j>=last",
		"PLANT_FREEZE":   "late[i]", // a password of before the stop is set after it
		"PLANT_UNFREEZE": "late[i]",
		"PLANT_QUIET":    "db.end[1]", // a recovery without a visible end
	})
}

// find fails for each planted fault that does not violate its assertion.
func find(t *testing.T, file string, plants map[string]string) {
	t.Helper()
	for plant, assertion := range plants {
		t.Run(plant, func(t *testing.T) {
			t.Parallel()
			if said := check(t, file, plant); !strings.Contains(said, "assertion violated") || !strings.Contains(said, assertion) {
				t.Errorf("the fault is not found:\n%s", said)
			}
		})
	}
}
