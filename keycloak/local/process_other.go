//go:build !linux

package local

import (
	"os/exec"
	"syscall"
)

// start starts the process. Only Linux lets the kernel end it if we die.
func start(cmd *exec.Cmd) error { return cmd.Start() }

func signal(cmd *exec.Cmd, s syscall.Signal) error { return cmd.Process.Signal(s) }
