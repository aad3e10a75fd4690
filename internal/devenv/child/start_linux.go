package child

import (
	"os/exec"
	"runtime"
	"syscall"
)

// start starts the program in its own process group, so that a Ctrl-C at the
// terminal reaches it only through the parent, and has the kernel kill it when
// the parent dies. Then it waits for its end.
func start(cmd *exec.Cmd, ended func(error)) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pdeathsig = true, syscall.SIGKILL
	started := make(chan error)
	go func() {
		// Pdeathsig fires when the thread that started the program ends, not the
		// process. The thread is therefore locked as long as the program runs.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			ended(cmd.Wait())
		}
	}()
	return <-started
}

// signal sends a signal to the whole process group.
func signal(cmd *exec.Cmd, s syscall.Signal) error { return syscall.Kill(-cmd.Process.Pid, s) }
