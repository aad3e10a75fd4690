//go:build unix

package localldap

import "syscall"

// Pause stops the server's process without ending it, until Resume.
func (s *Server) Pause() error { return s.child.Signal(syscall.SIGSTOP) }

// Resume continues a paused server.
func (s *Server) Resume() error { return s.child.Signal(syscall.SIGCONT) }
