//go:build unix

package localpostgres

import (
	"os/exec"
	"syscall"
)

// runAs sets the user and the group of a program.
func runAs(cmd *exec.Cmd, id uint32) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}}
}
