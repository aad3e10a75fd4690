package child_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"entree/internal/devenv/child"
)

// The tests run this test binary again as the process that starts children and
// dies.
func TestMain(m *testing.M) {
	if log := os.Getenv("ENTREE_TEST_PARENT"); log != "" {
		c, err := child.Start(shell(log, "sleep 60"))
		if err != nil {
			panic(err)
		}
		fmt.Println(c.Cmd.Process.Pid)
		select {}
	}
	os.Exit(m.Run())
}

func shell(log, script string) child.Program {
	return child.Program{Name: "the shell", Cmd: exec.Command("sh", "-c", script), Log: log}
}

func start(t *testing.T, p child.Program) *child.Child {
	t.Helper()
	c, err := child.Start(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	return c
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func TestItIsAskedBeforeItIsEnded(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	c := start(t, shell(log, `trap 'echo goodbye; exit 0' TERM; echo hello; while :; do sleep 0.05; done`))
	said := func(word string) func(context.Context) bool {
		return func(context.Context) bool {
			raw, err := os.ReadFile(log)
			return err == nil && strings.Contains(string(raw), word)
		}
	}
	if err := c.Ready(within(t, time.Minute), said("hello")); err != nil {
		t.Fatal(err)
	}
	c.Stop()
	c.Stop()
	if !said("goodbye")(t.Context()) || alive(c.Cmd.Process.Pid) {
		t.Error("it was not asked, or did not end")
	}
}

func TestWhoDoesNotListenIsEndedWithAllItStarted(t *testing.T) {
	dir := t.TempDir()
	p := shell(filepath.Join(dir, "log"), `trap '' TERM; sleep 60 & echo $! >`+dir+`/pid; wait; wait`)
	p.Grace = 50 * time.Millisecond
	c := start(t, p)
	var pid int
	err := c.Ready(within(t, time.Minute), func(context.Context) bool {
		raw, err := os.ReadFile(filepath.Join(dir, "pid"))
		_, scanned := fmt.Sscan(string(raw), &pid)
		return err == nil && scanned == nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Stop()
	for alive(c.Cmd.Process.Pid) || running(pid) {
		if within(t, time.Minute).Err() != nil {
			t.Fatal("something of it lives on")
		}
	}
}

// running reports whether a process is alive and not just a zombie.
func running(pid int) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(raw), ") Z ")
}

func TestAnEndWhileStartingIsTold(t *testing.T) {
	c := start(t, shell(filepath.Join(t.TempDir(), "log"), "echo no such database; exit 3"))
	err := c.Ready(within(t, time.Minute), func(context.Context) bool { return false })
	if err == nil || !strings.Contains(err.Error(), "the shell ended while it was starting") || !strings.Contains(err.Error(), "no such database") {
		t.Errorf("%v", err)
	}
}

func TestAStartThatTakesTooLongIsTold(t *testing.T) {
	c := start(t, shell(filepath.Join(t.TempDir(), "log"), "sleep 60"))
	err := c.Ready(within(t, time.Millisecond), func(context.Context) bool { return false })
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "its log is") {
		t.Errorf("%v", err)
	}
}

// SIGKILL of the parent process leaves no child behind.
func TestItDiesWithWhoeverStartedIt(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "ENTREE_TEST_PARENT="+filepath.Join(t.TempDir(), "log"))
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscan(line, &pid); err != nil || !running(pid) {
		t.Fatalf("%q: %v", line, err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // an error: it was killed
	for limit := within(t, time.Minute); running(pid); {
		if limit.Err() != nil {
			t.Fatal("it lives on")
		}
	}
}

func TestRun(t *testing.T) {
	said, err := child.Run(t.Context(), exec.Command("sh", "-c", "echo out; echo err >&2; exit 4"))
	if said != "out\nerr\n" || err == nil {
		t.Errorf("%q, %v", said, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := child.Run(ctx, exec.Command("sleep", "60")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := child.Run(t.Context(), exec.Command("/no/such/program")); err == nil {
		t.Error("a program that is not there ran")
	}
}

func TestAnswers(t *testing.T) {
	status := http.StatusServiceUnavailable
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer server.Close()
	ready := child.Answers(server.URL)
	if ready(t.Context()) {
		t.Error("503 counts as ready")
	}
	status = http.StatusOK
	if !ready(t.Context()) {
		t.Error("200 does not count as ready")
	}
}
