package engine

import (
	"context"
	"net"
	"path/filepath"
	"strconv"
	"time"
)

// TableServer is a DynamoDB engine without the rest of AWS. It keeps its items in
// memory and evaluates real expressions.
type TableServer struct {
	endpoint string
	port     int // of the endpoint, on the loopback interface
	process  *process
}

// StartTable starts a table server on a free loopback port. It installs it first if
// necessary. It takes milliseconds to start.
func StartTable(ctx context.Context) (*TableServer, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	if err := installNode(ctx, root, nil); err != nil {
		return nil, err
	}
	binary, err := tableBinary(root)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()

	port, err := freePort()
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	log := filepath.Join(root, localDir, "log", "table.log")
	p, err := startProcess(root, log, nil, binary, "serve", "--host", "127.0.0.1", "--port", strconv.Itoa(port))
	if err != nil {
		return nil, err
	}
	if err := p.await(ctx, "the table server", func() bool { return answers(address) }); err != nil {
		p.stop()
		return nil, err
	}
	return &TableServer{endpoint: "http://" + address, port: port, process: p}, nil
}

// Endpoint returns the address for an AWS client's BaseEndpoint.
func (t *TableServer) Endpoint() string { return t.endpoint }

// Stop stops the server. Its items are lost.
func (t *TableServer) Stop() { t.process.stop() }

// answers reports whether something accepts connections at the address.
func answers(address string) bool {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
