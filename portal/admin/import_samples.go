package admin

import (
	"time"

	"entree/internal/activation"
	"entree/internal/registry"
	"entree/internal/registry/intake"
)

func importsSamples() []any {
	record := activation.ImportRecord{Import: activation.Import{ID: "0", File: "étudiants.csv"}, State: activation.ImportDone, Begun: time.Unix(0, 0)}
	return []any{ImportsPage{Most: 256}, ImportsPage{Most: 256, List: List{Count: 1, Total: 1}, Imports: []activation.ImportRecord{record}}}
}

func importSamples() []any {
	file := intake.File{ID: "0", Name: "étudiants.csv", Columns: []registry.Column{
		{Header: "Numéro", Samples: []string{"1"}, Field: "number"}, {Header: "Contact", Samples: []string{"a@example.org"}, Field: "email", Guessed: true}, {},
	}}
	busy, tried, many, wrong, gone := file, file, file, file, file
	tried.Trial = &intake.Trial{Counts: activation.ImportCounts{New: 1, Changed: 1, Refused: 1}}
	many.Trial = &intake.Trial{TooMany: "…", Counts: activation.ImportCounts{Gone: 9}}
	wrong.Trial = &intake.Trial{Error: "no column for email"}
	gone.Trial = tried.Trial
	fields := registry.Fields()
	person := activation.Difference{Profile: "etudiant", Number: "1", Name: "Anne Roy", Line: 2, Changes: []activation.FieldChange{{Field: "email", Old: "a", New: "b"}}}
	var pages []any
	many.Trial.Counts.Gone = intake.Show + 1
	for _, state := range []activation.ImportState{activation.ImportRunning, activation.ImportDone, activation.ImportStopped, activation.ImportFailed, activation.ImportInterrupted} {
		pages = append(pages, ImportPage{Record: &activation.ImportRecord{Import: activation.Import{ID: "0", File: "étudiants.csv", SHA256: "00"}, State: state, Error: "…"}})
	}
	profiles := []activation.Profile{{Key: "etudiant", Names: map[activation.Lang]string{activation.French: "Étudiant", activation.English: "Student"}}}
	return append(pages,
		ImportPage{File: file, Fields: fields, Profiles: profiles}, ImportPage{File: wrong, Fields: fields, Profiles: profiles},
		ImportPage{File: busy, Progress: &intake.Progress{Phase: activation.PhaseReading, Lines: 1000, Done: .5}, Fields: fields},
		ImportPage{File: busy, Progress: &intake.Progress{Phase: activation.PhaseWriting, Import: true}, Fields: fields},
		ImportPage{File: tried, Fields: fields, MayList: true, Shown: activation.DifferenceChanged, Changes: []activation.Difference{person}, List: List{Count: 1, Total: 1}},
		ImportPage{File: tried, Fields: fields, Shown: kindRefused, Refused: []registry.Refusal{{Line: 2, Column: "Mail", Reason: "empty"}}, List: List{Count: 1, Total: 1}},
		ImportPage{File: many, Fields: fields, MayList: true, Shown: activation.DifferenceGone},
		ImportPage{Record: &activation.ImportRecord{Import: activation.Import{ID: "0", File: "étudiants.csv"}, State: activation.ImportDone}, MayList: true, Mend: true},
	)
}
