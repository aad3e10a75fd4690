package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"golang.org/x/sys/unix"

	"entree/internal/app"
	"entree/internal/devenv/child"
)

// The running portal has a hard limit of no core at all, and the mark that holds
// where cores go to a program.
func TestI4_ThisProgramLeavesNoCore(t *testing.T) {
	i := install(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "serve", "--config", i.Config)
	cmd.Env = append(os.Environ(), i.Environ...)
	portal, err := child.Start(child.Program{Name: "the portal", Cmd: cmd, Log: filepath.Join(i.Dir, "log")})
	if err != nil {
		t.Fatal(err)
	}
	defer portal.Stop()
	if err := portal.Ready(t.Context(), child.Answers(i.Base+"/healthz")); err != nil {
		t.Fatal(err)
	}
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^Max core file size +0 +0 `).Match(limits) {
		t.Errorf("%s", limits)
	}
	if err := app.NoCoreDumps(); err != nil {
		t.Fatal(err)
	}
	if mark, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || mark != 0 {
		t.Errorf("dumpable: %d, %v", mark, err)
	}
}
