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
	file.Report = registry.Report{Format: "XLSX", Encoding: "MacRoman", Separator: ";", Header: 1, Columns: []registry.ColumnUse{{N: 1, Header: "Numéro", Field: "number", Why: registry.WhyHeader}, {N: 2, Header: "Contact", Field: "email", Why: registry.WhyContent}, {N: 3, Header: "Salle"}},
		Sheets: []registry.SheetUse{{Name: "L1", Rows: 2, Read: true}, {Name: "L2", Rows: 9, Hidden: true}}, People: registry.People{Read: 3, Ready: 1, NotReady: 1, Held: 1},
		Findings: []registry.Finding{{Kind: registry.FindDamaged, Field: "given_name", Column: "Prénom", Count: 1, Examples: []registry.Example{{Line: 2, Text: "Fran?ois"}, {Where: "L1", Text: "ZoÃ©", Read: "Zoé"}}}},
	}
	for _, kind := range []string{registry.FindUnused, registry.FindRejected, registry.FindMissing, registry.FindGuessed, registry.FindTwoMails, registry.FindMonthFirst, registry.FindYearFirst, registry.FindDayMiddle, registry.FindConverted, registry.FindDateOrder, registry.FindLooks, registry.FindState, registry.FindCounts, registry.FindSwapped, registry.FindOneValue, registry.FindHidden, registry.FindHiddenColumn, registry.FindNobody, registry.FindYoung, registry.FindNothing, registry.FindLength, registry.FindEncoding, registry.FindMixed, registry.FindSheet, registry.FindRepaired,
		registry.FindCleaned, registry.FindRounded, registry.FindNoMobile, registry.FindNotReady, registry.FindHeld, registry.FindLacking, registry.FindRealm, registry.FindShared, registry.FindZeros, registry.FindOwnDomain, registry.FindUnreadable} {
		file.Report.Findings = append(file.Report.Findings, registry.Finding{Kind: kind, Field: "email", Column: "Mail", Value: "…", Profile: "etudiant", Count: 2})
	}
	file.Report.Findings = append(file.Report.Findings, registry.Finding{Kind: registry.FindShared, Field: "email", Column: "Mail", Value: registry.Family, Count: 2},
		registry.Finding{Kind: registry.FindLooks, Field: "number", Column: "Numéro", Value: "telephone numbers"})
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
