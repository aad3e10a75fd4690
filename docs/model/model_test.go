// Package model_test checks the model of docs/model with spin: every
// interleaving of it, and that it finds the faults that are planted.
package model_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// check returns the verifier's output for the model with a planted fault, or for
// the unchanged model if plant is empty.
func check(t *testing.T, plant string) string {
	t.Helper()
	model, err := filepath.Abs("account.pml")
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

func TestI1toI3_HoldInEveryInterleaving(t *testing.T) {
	said := check(t, "")
	if !strings.Contains(said, "errors: 0") || strings.Contains(said, "Search not completed") || strings.Contains(said, "max search depth too small") {
		t.Errorf("the model does not hold, or was not looked through:\n%s", said)
	}
}

func TestAPlantedFaultIsFound(t *testing.T) {
	for plant, assertion := range map[string]string{
		"PLANT_409":       "owner[1]!=2", // S42: an account of another origin is changed
		"PLANT_MARK":      "kcPassword",  // I3: a student who was shown success cannot log in
		"PLANT_SILENT":    "kcPassword",
		"PLANT_UNSOUGHT":  "owner[1]==1", // I1: two accounts
		"PLANT_UNMATCHED": "owner[1]==1",
		"PLANT_AGAIN":     "owner[1]==1",
	} {
		t.Run(plant, func(t *testing.T) {
			t.Parallel()
			if said := check(t, plant); !strings.Contains(said, "assertion violated") || !strings.Contains(said, assertion) {
				t.Errorf("the fault is not found:\n%s", said)
			}
		})
	}
}
