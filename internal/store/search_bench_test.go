package store_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"entree/internal/devenv/localpostgres"
	"entree/internal/domain"
	"entree/internal/helpdesk"
	"entree/internal/store"
)

// million is the number of people in the benchmark.
const million = 1_000_000

// BenchmarkFindPeople measures each kind of query among a million people, on both
// databases, and a read by primary key, which tells a slow search from a busy machine;
// the fill is not measured. It takes some minutes:
//
//	go test -run '^$' -bench FindPeople -benchtime 60x -timeout 60m ./internal/store
func BenchmarkFindPeople(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { among(b, "sqlite:"+filepath.Join(b.TempDir(), "entree.db")) })
	b.Run("postgres", func(b *testing.B) {
		among(b, localpostgres.ForTest(b, "million"))
	})
}

func among(b *testing.B, dsn string) {
	s, err := store.Open(b.Context(), dsn, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	begun := time.Now()
	_, err = s.Import(b.Context(), &domain.ImportOrder{Part: true}, func(in domain.Intake) error {
		for i := range million {
			if err := in.Put(i+1, somebody(i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	words, parts, err := s.IndexSizes(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("filled in %s; index of words %d MB, of trigrams %d MB", time.Since(begun).Round(time.Second), words>>20, parts>>20)
	b.Run("primary-key", func(b *testing.B) {
		i := 0
		p95(b, func() error {
			i = (i + 7919) % million
			_, err := s.Person(b.Context(), domain.PersonID(fmt.Sprintf("p-%d", i)))
			return err
		})
	})
	all := queries()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		b.Run(name, func(b *testing.B) {
			var page helpdesk.Page
			p95(b, func() (err error) {
				page, err = s.FindPeople(b.Context(), all[name])
				return err
			})
			b.ReportMetric(float64(page.Count), "found")
			b.ReportMetric(float64(len(page.Near)), "near")
		})
	}
	b.Run("overview", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Overview(b.Context(), begun); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("cohorts", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Cohorts(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// p95 runs an act in the benchmark's loop and reports its median and its 95th
// percentile.
func p95(b *testing.B, act func() error) {
	var took []time.Duration
	for b.Loop() {
		begun := time.Now()
		if err := act(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
}

// queries returns one query of each kind: with few and with many matches, alone
// and combined, in each order.
func queries() map[string]helpdesk.Query {
	return map[string]helpdesk.Query{
		"everybody":             {},
		"everybody-last":        {Down: true},
		"everybody-middle":      {From: helpdesk.Cursor{Key: "name2100", ID: "p-2100"}},
		"by-number":             {Sort: helpdesk.ByNumber},
		"by-activation":         {Sort: helpdesk.ByActivation, Down: true},
		"number":                {Words: "22512345"},
		"number-begun":          {Words: "225123"},
		"address":               {Words: "given12.name345.12345@example.net"},
		"one-name":              {Words: "name2345"},
		"two-names":             {Words: "name2345 given7"},
		"many-beginnings":       {Words: "name23"},
		"nearly-all":            {Words: "name"},
		"all-and-all":           {Words: "name given"},
		"many-and-all":          {Words: "name23 given"},
		"many-and-a-letter":     {Words: "name23 g"},
		"number-of-all":         {Words: "2"},
		"misspelt-after-common": {Words: "given7 sakobo"},
		"common-and-misspelt":   {Words: "marie nguien"},
		"misspelt-common":       {Words: "martn"},
		"both-misspelt":         {Words: "martn nguien"},
		"three-misspelt":        {Words: "maire martn nguien"},
		"misspelt-and-piece":    {Words: "martn 2142"},
		"number-in-groups":      {Words: "22 51 23 45"},
		"two-pieces":            {Words: "142 ame2345"},
		"many-and-few":          {Words: "given name2345"},
		"many-and-many":         {Words: "given12 name23"},
		"nobody":                {Words: "zzz"},
		"misspelt":              {Words: "sakobo"},
		"two-misspelt":          {Words: "sakobo given7"},
		"by-sound":              {Words: "sakkooba"},
		"joined":                {Words: "name2345sa"},
		"piece-of-number":       {Words: "142"},
		"piece-of-address":      {Words: "5.12345@exam"},
		"piece-of-many":         {Words: "xample"},
		"name-and-piece":        {Words: "name2345 142"},
		"state-few":             {State: domain.StateHeld},
		"state-many":            {State: domain.StateReady},
		"cohort":                {Cohort: "C7"},
		"profile":               {Profile: "personnel"},
		"cohort-profile":        {Cohort: "C7", Profile: "personnel"},
		"cohort-state-few":      {Cohort: "C7", State: domain.StateHeld},
		"many-words-state-few":  {Words: "name", State: domain.StateHeld},
		"wrong-address":         {Wrong: true},
		"nobody-of-two-filters": {Cohort: "C7", Profile: "invite"},
	}
}

func somebody(i int) domain.Person {
	family, given := (i*7919)%4000, (i*31)%900
	p := domain.Person{
		ID: domain.PersonID(fmt.Sprintf("p-%d", i)), Profile: "etudiant", Number: fmt.Sprint(22500000 + i),
		GivenName: fmt.Sprintf("Given%d", given), FamilyName: fmt.Sprintf("Name%d %s", family, syllables(family)), BirthDate: "2007-03-17",
		Email:  domain.Address(fmt.Sprintf("given%d.name%d.%d@example.net", given, family, i)),
		Cohort: fmt.Sprintf("C%d", i%40), Readiness: domain.Ready,
	}
	// Second given names that many people have.
	for _, second := range []struct {
		name  string
		every int
	}{{"Marie", 10}, {"Martin", 91}, {"Nguyen", 113}} {
		if i%second.every == 5 {
			p.GivenName += " " + second.name
		}
	}
	switch {
	case i%1000 == 7:
		p.Readiness = domain.Held
	case i%10 == 4:
		p.Readiness = domain.NotReady
	}
	switch {
	case i%500 == 11:
		p.Profile = "invite"
	case i%9 == 3:
		p.Profile = "personnel"
	}
	return p
}

// syllables returns one of 4,096 words of three syllables.
func syllables(n int) string {
	all := [16]string{"ba", "ko", "sa", "ri", "mu", "ne", "lo", "da", "ti", "vo", "pe", "ga", "ju", "fa", "ze", "no"}
	return all[n>>8%16] + all[n>>4%16] + all[n%16]
}
