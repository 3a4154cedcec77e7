package crypt

import (
	"encoding/binary"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"strings"
	"sync"
)

// nvmePoly is the polynomial of CRC-64/NVME, reversed.
const nvmePoly = 0x9A6C9329AC4BC9B5

var nvmeTable = sync.OnceValue(func() *crc64.Table { return crc64.MakeTable(nvmePoly) })
var castagnoli = sync.OnceValue(func() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) })

// NewCRC returns the checksum crc32, crc32c or crc64nvme, in any case; its Sum is
// big-endian. nil for other names.
func NewCRC(name string) hash.Hash {
	switch strings.ToLower(name) {
	case "crc32":
		return crc32.NewIEEE()
	case "crc32c":
		return crc32.New(castagnoli())
	case "crc64nvme":
		return &nvme{}
	}
	return nil
}

type nvme struct{ sum uint64 }

func (h *nvme) Write(p []byte) (int, error) {
	h.sum = crc64.Update(h.sum, nvmeTable(), p)
	return len(p), nil
}
func (h *nvme) Sum(b []byte) []byte { return binary.BigEndian.AppendUint64(b, h.sum) }
func (h *nvme) Reset()              { h.sum = 0 }
func (h *nvme) Size() int           { return crc64.Size }
func (h *nvme) BlockSize() int      { return 1 }
