package instances_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"entree/internal/devenv/outside"
	"entree/internal/devenv/scripted"
	"entree/internal/store"
)

// nextStep is the schema step of the release that the test makes: it only adds, as
// every release does (ADR 0043).
const nextStep = `-- +goose Up
ALTER TABLE people ADD COLUMN next_release text NOT NULL DEFAULT '';
CREATE TABLE next_release (id text PRIMARY KEY);
CREATE INDEX people_next_release ON people (next_release);
`

// releases returns the programs of two releases that follow each other.
//
// The newer one is the program under test. The older one is built from the last
// tag. As long as there is no tag, nothing was released: then the older program is
// the one under test, and the newer one has one more schema step. The same holds
// where the clone has no tags, and where the last tag has the same schema.
func (w *world) releases(t *testing.T) (older, newer string) {
	t.Helper()
	current := w.instances[0].Program
	root := command(t, "", "git", "rev-parse", "--show-toplevel")
	if tag, err := exec.Command("git", "describe", "--tags", "--abbrev=0", "--match=v[0-9]*").Output(); err == nil {
		older = buildTag(t, root, strings.TrimSpace(string(tag)))
		if schemaOf(t, older) < schemaOf(t, current) {
			t.Logf("the older program is %s, the newer one is this commit", strings.TrimSpace(string(tag)))
			return older, current
		}
		t.Logf("%s has the schema of this commit: the newer program is this commit with one more schema step", strings.TrimSpace(string(tag)))
		return older, buildNext(t, root, schemaOf(t, current)+1)
	}
	t.Log("there is no tag: the older program is this commit, and the newer one is this commit with one more schema step")
	return current, buildNext(t, root, schemaOf(t, current)+1)
}

func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, said)
	}
	return strings.TrimSpace(string(said))
}

func schemaOf(t *testing.T, program string) int {
	t.Helper()
	var version struct{ Schema int }
	if err := json.Unmarshal([]byte(command(t, "", program, "version", "--json")), &version); err != nil {
		t.Fatal(err)
	}
	return version.Schema
}

// buildTag builds the program of a tag.
func buildTag(t *testing.T, root, tag string) string {
	t.Helper()
	dir := t.TempDir()
	command(t, root, "sh", "-ec", `git archive --format=tar "$1" | tar -x -C "$2"`, "sh", tag, dir)
	program := filepath.Join(dir, "older")
	cmd := exec.Command("go", "build", "-tags", "nomsgpack", "-o", program, "./cmd/entree")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", tag, err, said)
	}
	return program
}

// buildNext builds this commit with one more migration. The compiler sees the
// added files, the tree stays as it is.
func buildNext(t *testing.T, root string, version int) string {
	t.Helper()
	dir := t.TempDir()
	step := filepath.Join(dir, "step.sql")
	if err := os.WriteFile(step, []byte(nextStep), 0o600); err != nil {
		t.Fatal(err)
	}
	replace := map[string]string{}
	for _, database := range []string{"sqlite", "postgres"} {
		replace[filepath.Join(root, "internal/store/migrations", database, fmt.Sprintf("%05d_next.sql", version))] = step
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file, program := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "newer")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-tags", "nomsgpack", "-overlay", file, "-o", program, "./cmd/entree")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "GOWORK=off")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the next release: %v\n%s", err, said)
	}
	return program
}

// entree runs a command of a program with the configuration of the instances.
func (w *world) entree(program string, args ...string) (said string, err error) {
	i := w.instances[0]
	cmd := exec.CommandContext(w.t.Context(), program, append(args, "--config", filepath.Join(i.Config.Dir, "entree.yaml"))...)
	cmd.Env = append(os.Environ(), "ENTREE_SECRET="+i.Config.Secret, "ENTREE_KEYCLOAK_CLIENT_SECRET="+i.Config.Client)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// upgrade follows docs/operations.md from one release to the next while students
// activate: backup, migration, one instance after the other. Both releases serve
// the same database for a while, and no journey has to begin again. The older
// program then refuses the newer schema. At the end the backup is restored into an
// empty database, and the older program serves it.
func (w *world) upgrade(t *testing.T, people []scripted.Person, empty string) {
	older, newer := w.releases(t)
	db, err := store.Open(t.Context(), w.dsn, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, i := range w.instances {
		if i.Program != older {
			i.Stop()
			i.Program = older
			w.start(i)
		}
	}
	var students []*scripted.Student
	for i, p := range people {
		students = append(students, scripted.NewStudent(p, w.address(), w.box, net.IPv4(127, 9, 5, byte(i))))
	}
	first, last, during := students[0], students[1], students[2:]
	if err := first.Go(w.soon()); err != nil {
		t.Fatal(err)
	}
	w.until(t, db, "")

	backup := filepath.Join(t.TempDir(), "backup.db")
	if said, err := w.entree(older, "backup", backup); err != nil {
		t.Fatalf("backup: %v\n%s", err, said)
	}
	queue := make(chan *scripted.Student, len(during))
	for _, s := range during {
		queue <- s
	}
	over := make(chan struct{})
	var all sync.WaitGroup
	for range 4 { // students at a time, until over is closed
		all.Go(func() {
			for {
				select {
				case <-over:
					return
				case s := <-queue:
					if err := s.Go(w.soon()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	if said, err := w.entree(newer, "schema", "status"); err == nil || !strings.Contains(said, "schema migrate") {
		t.Errorf("schema status: %v\n%s", err, said)
	}
	if said, err := w.entree(newer, "schema", "migrate"); err != nil {
		t.Fatalf("schema migrate: %v\n%s", err, said)
	}
	w.both(t, during) // the older programs on the newer schema
	for n, i := range w.instances {
		i.Stop()
		i.Program = newer
		w.start(i)
		if n == 0 {
			w.both(t, during) // both releases at once
		}
	}
	close(over)
	all.Wait()
	w.until(t, db, "")

	var came []*scripted.Student
	for _, s := range append([]*scripted.Student{first}, during...) {
		if s.Asked == 0 {
			continue // the upgrade ended before their turn
		}
		came = append(came, s)
		if s.Outcome != scripted.Success || s.Asked != 1 {
			t.Errorf("%s ended at %q after %d requests for a code, %s", s.Number, s.Outcome, s.Asked, s.Where())
		}
	}
	breaks, checked, err := outside.Check(t.Context(), w.realm, db, came)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range breaks {
		t.Error(b)
	}
	t.Logf("%d students came while the program was upgraded, %d values checked", len(came), checked)

	if said, err := w.entree(older, "serve"); err == nil || strings.Count(strings.TrimSpace(said), "\n") > 0 || !strings.Contains(said, "start a newer program") {
		t.Errorf("O2: the older program on the newer schema: %v\n%s", err, said)
	}
	w.back(t, older, backup, empty, first, last)
}

// both waits until four more students have an account, so that programs of both
// releases have served some of them.
func (w *world) both(t *testing.T, students []*scripted.Student) {
	t.Helper()
	count := func() (n int) {
		for _, s := range students {
			n += len(w.box.Messages(s.Email)) / 2 // a code and a welcome
		}
		return n
	}
	before := count()
	for end := time.Now().Add(90 * time.Second); count() < before+4; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d students had an account before, %d after a minute and a half", before, count())
		}
	}
}

// back restores the backup of before the migration into an empty database, and
// starts the older program on it: a student of that time is active, and another
// one activates.
func (w *world) back(t *testing.T, older, backup, empty string, active, fresh *scripted.Student) {
	for _, i := range w.instances {
		i.Stop()
		i.Config.Database = empty
		i.Program = older
	}
	if _, err := w.instances[0].Config.Write(); err != nil {
		t.Fatal(err)
	}
	if said, err := w.entree(older, "restore", backup); err != nil {
		t.Fatalf("restore: %v\n%s", err, said)
	}
	for _, i := range w.instances {
		w.start(i)
	}
	if err := fresh.Go(w.soon()); err != nil || fresh.Outcome != scripted.Success {
		t.Errorf("after the restore a student ended at %q, %s: %v", fresh.Outcome, fresh.Where(), err)
	}
	again := scripted.NewStudent(active.Person, w.address(), w.box, net.IPv4(127, 9, 5, 250))
	ctx, cancel := context.WithTimeout(w.soon(), time.Minute)
	defer cancel()
	if err := again.Go(ctx); err != nil || again.Outcome != scripted.Already {
		t.Errorf("after the restore a student with an account ended at %q, %s: %v", again.Outcome, again.Where(), err)
	}
}
