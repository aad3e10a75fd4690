package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"entree/internal/outcome"
)

// alone runs `entree import` in a folder that has nothing but what it makes.
func alone(t *testing.T, dir string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	err = run(t.Context(), append([]string{"import", "--data-dir", dir}, args...), nil, &out, &errs)
	return out.String(), errs.String(), err
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func lines(from, to int) string {
	var b strings.Builder
	for n := from; n < to; n++ {
		fmt.Fprintf(&b, "%d;Anne;Roy%d;p%d@example.org\n", n, n, n)
	}
	return b.String()
}

const head = "Numéro étudiant;Prénom;Nom;Courriel\n"

func TestImport_AFolderAloneIsEnough(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	file := write(t, "people.txt", "Inscriptions 2026\n\n"+head+lines(0, 3)+"2;Twice;Roy;t@example.org\n")
	if out, errs, err := alone(t, dir, file); err != nil || !strings.HasSuffix(out, "line 7, column \"Numéro étudiant\": this number came before in the file, at line 6\n3 new, 0 changed, 0 unchanged, 1 refused\n") ||
		!strings.Contains(out, "read as CSV in UTF-8, columns separated by \";\", header in line 3\n") || !strings.Contains(out, "email: column 4 \"Courriel\", by its header") {
		t.Errorf("%v\n%s%s", err, out, errs)
	}
	if _, err := os.Stat(filepath.Join(dir, "entree.db")); err != nil {
		t.Error(err)
	}
	out, errs, err := alone(t, dir, "--dry-run", "--json", write(t, "next.csv", head+strings.Replace(lines(0, 5), "Roy1", "Roy-Durand", 1)))
	var got outcome.Document
	if err != nil || json.Unmarshal([]byte(out), &got) != nil {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	if got.State != "dry run" || got.New != 2 || got.Changed != 1 || got.Unchanged != 2 || len(got.SHA256) != 64 || got.First.Changed[0].Changes[0].New != "Roy-Durand" || got.First.New[1].Line != 6 {
		t.Errorf("%+v", got)
	}
	odd := "Matricule;Prénom;Nom;Joignable\n" + lines(0, 3)
	if out, errs, err := alone(t, dir, write(t, "odd.csv", odd)); err != nil || !strings.Contains(out, `warning: column "Joignable" is taken for email by its values`) {
		t.Errorf("%v\n%s%s", err, out, errs)
	}
	if out, errs, err := alone(t, dir, write(t, "none.csv", strings.ReplaceAll(odd, "@", " at "))); err == nil || !strings.Contains(errs, `no column for email`) || !strings.Contains(errs, "--column email=HEADER") {
		t.Errorf("%v\n%s%s", err, out, errs)
	}
	if out, errs, err := alone(t, dir, "--column", "email=joignable", write(t, "odd.csv", odd)); err != nil || !strings.Contains(out, "3 unchanged") {
		t.Errorf("%v\n%s%s", err, out, errs)
	}
}

func TestImport_StopsWhereTooManyWouldBeGone(t *testing.T) {
	dir := t.TempDir()
	if _, errs, err := alone(t, dir, write(t, "a.csv", head+lines(0, 20))); err != nil {
		t.Fatal(err, errs)
	}
	half := write(t, "half.csv", head+lines(0, 10))
	out, errs, err := alone(t, dir, half)
	if !outcome.IsStopped(err) || !strings.Contains(errs, `nothing was imported: 10 of the 20 people of the source "etudiant" are not in it (50 %; 10 % may be)`) || !strings.Contains(errs, "--accept-gone") {
		t.Errorf("%v\n%s%s", err, out, errs)
	}
	for _, c := range []struct{ flag, want string }{{"--part", "10 unchanged, 0 refused\n"}, {"--accept-gone", "10 unchanged, 0 refused, 10 gone\n"}} {
		if out, errs, err := alone(t, dir, c.flag, half); err != nil || !strings.HasSuffix(out, c.want) {
			t.Errorf("%v\n%s%s", err, out, errs)
		}
	}
}

// The program is killed at two moments: while it reads, and once it has
// everything. Afterwards the
// store holds none of it or all of it, and the next run says which.
func TestImport_KilledInTheMiddleIsAllOrNothing(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, ended := range map[string]bool{"reading": false, "writing": true} {
		dir := t.TempDir()
		// A long file is still read when its lock appears; a short one is written.
		people := map[bool]int{false: 40000, true: 5000}[ended]
		file := write(t, "people.csv", head+lines(0, people))
		cmd := exec.Command(program, "import", "--data-dir", dir, file)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// It has begun once its lock is there.
		for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			if _, err := os.Stat(filepath.Join(dir, "entree.db-import")); err == nil {
				break
			}
			if time.Now().After(end) {
				t.Fatal("it does not begin")
			}
		}
		if !ended {
			time.Sleep(50 * time.Millisecond) // into the reading; any moment would do
		}
		_ = cmd.Process.Kill()
		killed := cmd.Wait() != nil
		out, errs, err := alone(t, dir, file)
		nothing, all := strings.Contains(out, fmt.Sprintf("%d new", people)), strings.Contains(out, fmt.Sprintf("%d unchanged", people))
		if err != nil || nothing == all {
			t.Errorf("%s: %v\n%s%s", name, err, out, errs)
		}
		if !ended && !nothing {
			t.Errorf("%s: half a file was imported\n%s", name, out)
		}
		if told := strings.Contains(errs, "was interrupted: nothing of it was kept"); killed && nothing && !ended && !told {
			t.Errorf("%s: nobody says that it was interrupted\n%s", name, errs)
		}
	}
}

func TestImport_ASpreadsheet(t *testing.T) {
	book := excelize.NewFile()
	for i, row := range [][]any{
		{"Étudiants", nil, nil, "Contact"},
		{"N°", "Prénom", "Nom", "Adresse mail personnelle", "Date de naissance", "Promotion"},
		{22502142, "Anne", "Roy", "anne@example.org", time.Date(2007, 3, 17, 0, 0, 0, 0, time.UTC), "L1"},
		{"00042", "Bob", "Roy", "bob@example.org", "31/12/2006", nil},
	} {
		if err := book.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(book.MergeCell("Sheet1", "A1", "C1"), book.MergeCell("Sheet1", "F3", "F4")); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "people") // told by its content, not by its name
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(book.Write(f), f.Close(), book.Close()); err != nil {
		t.Fatal(err)
	}
	out, errs, err := alone(t, dir, "--column", "number=N°", file)
	if err != nil || !strings.Contains(out, "2 new, 0 changed, 0 unchanged, 0 refused") {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	csv := "number;prenom;nom;mail;naissance;promotion\n22502142;Anne;Roy;anne@example.org;2007-03-17;L1\n00042;Bob;Roy;bob@example.org;2006-12-31;L1\n"
	if out, errs, err := alone(t, dir, write(t, "same.csv", csv)); err != nil || !strings.Contains(out, "2 unchanged") {
		t.Errorf("%v\n%s%s", err, out, errs)
	}
}
