package main

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"entree/internal/devenv/demotest"
)

// measure returns the arguments of a bench that measures the program which the
// tests have built.
func measure(t *testing.T, args ...string) []string {
	t.Helper()
	program, err := demotest.Program(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{"bench", "--entree", program}, args...)
}

// The command runs completely on its own servers, and no activation is lost. The
// test does not check the time.
func TestBenchRush_NothingIsLost(t *testing.T) {
	t.Parallel()
	for database, students := range map[string]int{"sqlite": 30, "postgres": 10} {
		t.Run(database, func(t *testing.T) { rush(t, database, students) })
	}
}

func rush(t *testing.T, database string, students int) {
	var out, errs bytes.Buffer
	if err := run(t.Context(), measure(t, "rush", "--database", database, "--students", strconv.Itoa(students), "--rounds", "1", "--warm-up", "4", "--logins", "4", "--jvm", "", "--json"), &out, &errs); err != nil {
		t.Fatalf("%v\n%s", err, &errs)
	}
	var got struct {
		Machine struct{ Database string }
		Ratios  map[string]float64
		Ways    map[string]struct {
			CoreMS map[string]float64 `json:"core_ms"`
		}
		NothingLost bool `json:"nothing_lost"`
		Failures    int
		Proof       struct{ Activated, Counted, Found, Mails, Logins int }
	}
	if strings.Count(out.String(), "\n") != 1 {
		t.Errorf("not one line:\n%s", &out)
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	all := students + 4
	if !got.NothingLost || got.Failures != 0 || got.Proof.Activated != all || got.Proof.Mails != 2*all || got.Proof.Logins != 4 || strings.Contains(got.Machine.Database, "PostgreSQL") != (database == "postgres") {
		t.Errorf("%+v\n%s", got, &errs)
	}
	for _, key := range []string{"cost_to_limit", "cost_to_registration", "keycloak_to_bare", "rate_to_registration"} {
		if got.Ratios[key] <= 0 {
			t.Errorf("no ratio %s: %v", key, got.Ratios)
		}
	}
	if got.Ways["registration"].CoreMS["compilers_not_counted"] <= 0 {
		t.Errorf("a Java that has just started compiles nothing: %+v", got.Ways)
	}
}

// Accounts in a directory are counted there: Keycloak has an entry only after a login.
func TestBenchRush_AccountsInADirectory(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	if err := run(t.Context(), measure(t, "rush", "--accounts", "directory", "--alone", "--students", "6", "--rounds", "1", "--warm-up", "2", "--logins", "2", "--jvm", "", "--json"), &out, &errs); err != nil {
		t.Fatalf("%v\n%s", err, &errs)
	}
}

func TestBenchPortal_OnBothDatabases(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	if err := run(t.Context(), measure(t, "portal", "--students", "10", "--rounds", "1", "--json"), &out, &errs); err != nil {
		t.Fatalf("%v\n%s", err, &errs)
	}
	var got map[string]struct {
		PerSecond float64 `json:"per_second"`
		Pages     []struct {
			Step  string
			Bytes int64
		}
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got["sqlite"].PerSecond <= 0 || got["postgres"].PerSecond <= 0 {
		t.Errorf("%v\n%s", err, &out)
	}
	// The limits are the bytes that a telephone on a slow network has to fetch: the
	// first page with everything it needs, and each next page.
	if len(got["sqlite"].Pages) < 8 {
		t.Fatalf("pages: %+v", got["sqlite"].Pages)
	}
	for _, p := range got["sqlite"].Pages {
		most := int64(10_000)
		switch p.Step {
		case "welcome":
			most = 60_000
		case "charter":
			most = 20_000 // as long as its text
		case "whole way":
			most = 80_000
		}
		if p.Bytes > most {
			t.Errorf("%s brings %d bytes, want %d at most", p.Step, p.Bytes, most)
		}
	}
}

func TestBench_RefusesWhatItCannotDo(t *testing.T) {
	for _, args := range [][]string{{"--students", "0"}, {"--database", "oracle"}, {"--rate", "-1"}} {
		var out, errs bytes.Buffer
		if err := run(t.Context(), append([]string{"bench", "rush"}, args...), &out, &errs); err == nil || !strings.Contains(errs.String(), "--") {
			t.Errorf("%v: %v %s", args, err, &errs)
		}
	}
}

func TestBenchImport_DoesTheSameWork(t *testing.T) {
	for _, database := range []string{"sqlite", "postgres"} {
		var out, errs bytes.Buffer
		// Of so few rows the start of the program is most of the time: the mark is not looked at.
		_ = run(t.Context(), measure(t, "import", "--rows", "300", "--database", database, "--json"), &out, &errs)
		var got struct {
			Rows      int
			Ratio     float64
			PeakBytes int64 `json:"peak_bytes"`
		}
		if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.Rows != 300 || got.Ratio <= 0 || got.PeakBytes < 1<<20 {
			t.Errorf("%v %+v\n%s", err, got, &errs)
		}
	}
}

// The command compares people with accounts in both databases and adopts each match
// once. Of so few people the command checks neither time nor memory.
func TestBenchMatching_EachMatchIsAdoptedOnce(t *testing.T) {
	t.Parallel()
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			var out, errs bytes.Buffer
			if err := run(t.Context(), measure(t, "matching", "--database", database, "--people", "1000", "--accounts", "1200", "--json"), &out, &errs); err != nil {
				t.Fatalf("%v\n%s", err, &errs)
			}
			var got struct {
				Runs []struct {
					People, Adopted int
					Seconds         float64
				}
				Ratio float64 `json:"memory_ratio"`
			}
			if err := json.Unmarshal(out.Bytes(), &got); err != nil || len(got.Runs) != 4 || got.Runs[2].Adopted != 800 || got.Runs[2].Seconds <= 0 || got.Ratio <= 0 {
				t.Errorf("%v %+v", err, got)
			}
		})
	}
}

// The whole simulation runs with a stand-in; students share networks that the trusted
// proxy names, and no student is lost. The limit of mails per network is so small that it
// refuses. The test checks no time.
func TestBenchMonday_NoStudentIsLost(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	if err := run(t.Context(), measure(t, "monday", "--stand-in", "--students", "16", "--from", "9h", "--to", "9h2m", "--mails-per-network", "120", "--seed", "14", "--grace", "20m", "--json"), &out, &errs); err != nil {
		t.Fatalf("%v\n%s", err, &errs)
	}
	var got struct {
		Together struct {
			Arrived         int
			Ended, Refused  map[string]int
			RefusedInShared map[string]int `json:"refused_in_shared_networks"`
		}
		Waits    map[string][3]int64 `json:"p50_p95_p99_ms"`
		FirstOut string              `json:"first_out"`
		Proof    struct {
			Accounts, Found int
			Lost            []string
		}
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || strings.Count(out.String(), "\n") != 1 {
		t.Fatalf("%v\n%s", err, &out)
	}
	all, p := got.Together, got.Proof
	if all.Arrived != 16 || p.Accounts != p.Found || len(p.Lost) != 0 || all.Ended["finished"]+all.Ended["gave up"] != 16 || p.Found < all.Ended["finished"] || p.Found < 8 {
		t.Errorf("%+v\n%s", got, &errs)
	}
	if all.Refused["mails per network"] == 0 || all.RefusedInShared["mails per network"] == 0 || !strings.Contains(got.FirstOut, "mails per network") || len(got.Waits) < 8 {
		t.Errorf("%+v\n%s", got, &errs)
	}
}

func TestBenchMonday_RefusesWhatItCannotDo(t *testing.T) {
	for _, args := range [][]string{{"--students", "0"}, {"--factor", "0"}, {"--from", "9h", "--to", "8h"}, {"--answer-after", "1s"}, {"--database", "oracle"}} {
		var out, errs bytes.Buffer
		if err := run(t.Context(), append([]string{"bench", "monday"}, args...), &out, &errs); err == nil || !strings.Contains(errs.String(), "--") {
			t.Errorf("%v: %v %s", args, err, &errs)
		}
	}
}
