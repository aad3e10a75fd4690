//go:build !unix

package localpostgres

import "os/exec"

// runAs does nothing: only Unix has a root user that PostgreSQL refuses.
func runAs(*exec.Cmd, uint32) {}
