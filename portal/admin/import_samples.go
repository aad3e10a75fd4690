package admin

import (
	"time"

	"entree/internal/domain"
	"entree/internal/registry"
	"entree/internal/registry/intake"
)

func importsSamples() []any {
	record := domain.ImportRecord{Import: domain.Import{ID: "0", File: "étudiants.csv"}, State: domain.ImportDone, Begun: time.Unix(0, 0)}
	return []any{ImportsPage{Most: 256}, ImportsPage{Most: 256, List: List{Count: 1, Total: 1}, Imports: []domain.ImportRecord{record}}}
}

func importSamples() []any {
	file := intake.File{ID: "0", Name: "étudiants.csv", Columns: []registry.Column{
		{Header: "Numéro", Samples: []string{"1"}, Field: "number"}, {Header: "Contact", Samples: []string{"a@example.org"}, Field: "email", Guessed: true}, {},
	}}
	busy, tried, many, wrong, gone := file, file, file, file, file
	tried.Trial = &intake.Trial{Counts: domain.ImportCounts{New: 1, Changed: 1, Refused: 1}}
	many.Trial = &intake.Trial{TooMany: "…", Counts: domain.ImportCounts{Gone: 9}}
	wrong.Trial = &intake.Trial{Error: "no column for email"}
	gone.Trial = tried.Trial
	fields := registry.Fields()
	person := domain.Difference{Profile: "etudiant", Number: "1", Name: "Anne Roy", Line: 2, Changes: []domain.FieldChange{{Field: "email", Old: "a", New: "b"}}}
	var pages []any
	many.Trial.Counts.Gone = intake.Show + 1
	for _, state := range []domain.ImportState{domain.ImportRunning, domain.ImportDone, domain.ImportStopped, domain.ImportFailed, domain.ImportInterrupted} {
		pages = append(pages, ImportPage{Record: &domain.ImportRecord{Import: domain.Import{ID: "0", File: "étudiants.csv", SHA256: "00"}, State: state, Error: "…"}})
	}
	profiles := []domain.Profile{{Key: "etudiant", Names: map[domain.Lang]string{domain.French: "Étudiant", domain.English: "Student"}}}
	return append(pages,
		ImportPage{File: file, Fields: fields, Profiles: profiles}, ImportPage{File: wrong, Fields: fields, Profiles: profiles},
		ImportPage{File: busy, Progress: &intake.Progress{Phase: domain.PhaseReading, Lines: 1000, Done: .5}, Fields: fields},
		ImportPage{File: busy, Progress: &intake.Progress{Phase: domain.PhaseWriting, Import: true}, Fields: fields},
		ImportPage{File: tried, Fields: fields, MayList: true, Shown: domain.DifferenceChanged, Changes: []domain.Difference{person}, List: List{Count: 1, Total: 1}},
		ImportPage{File: tried, Fields: fields, Shown: kindRefused, Refused: []registry.Refusal{{Line: 2, Column: "Mail", Reason: "empty"}}, List: List{Count: 1, Total: 1}},
		ImportPage{File: many, Fields: fields, MayList: true, Shown: domain.DifferenceGone},
		ImportPage{Record: &domain.ImportRecord{Import: domain.Import{ID: "0", File: "étudiants.csv"}, State: domain.ImportDone}, MayList: true, Mend: true},
	)
}
