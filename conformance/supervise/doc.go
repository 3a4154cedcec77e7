// Package supervise tests a server that is started again when its process dies: what is
// lost, who is blamed, and that its sockets stay open.
package supervise
