//go:build !linux

package child

import (
	"os/exec"
	"syscall"
)

// start starts the program and waits for its end. Only on Linux can the kernel
// kill it when the parent dies.
func start(cmd *exec.Cmd, ended func(error)) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { ended(cmd.Wait()) }()
	return nil
}

func signal(cmd *exec.Cmd, s syscall.Signal) error { return cmd.Process.Signal(s) }
