package child

import (
	"os/exec"
	"runtime"
	"syscall"
)

// start starts the program in a group of its own, so that a Ctrl-C at the
// terminal reaches it through us only, and has the kernel end it if we die.
// Then it waits for the end.
func start(cmd *exec.Cmd, ended func(error)) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pdeathsig = true, syscall.SIGKILL
	started := make(chan error)
	go func() {
		// Pdeathsig fires when the thread that started the program ends, not
		// when we do: this thread is kept as long as the program lives.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			ended(cmd.Wait())
		}
	}()
	return <-started
}

// signal reaches the whole group.
func signal(cmd *exec.Cmd, s syscall.Signal) error { return syscall.Kill(-cmd.Process.Pid, s) }
