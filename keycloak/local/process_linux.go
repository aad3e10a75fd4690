package local

import (
	"os/exec"
	"runtime"
	"syscall"
)

// start starts the process in a group of its own, so that a Ctrl-C at the
// terminal reaches it through us only, and has the kernel end it if we die.
func start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		// Pdeathsig fires when the thread that started the process ends, not
		// the program: this thread is kept as long as the process lives.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			select {}
		}
	}()
	return <-started
}

func signal(cmd *exec.Cmd, s syscall.Signal) error { return syscall.Kill(-cmd.Process.Pid, s) }
