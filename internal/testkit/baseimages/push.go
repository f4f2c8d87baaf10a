package baseimages

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Push puts images into a registry that speaks plain HTTP and asks for no credentials: one image as it is, several as an
// index. It returns the digest of the one or the other.
func Push(host, name string, images ...v1.Image) (digest string, err error) {
	repository, tag, _ := strings.Cut(name, ":")
	p := pusher{base: "http://" + host + "/v2/" + repository}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, img := range images {
		file, err := img.ConfigFile()
		if err != nil {
			return "", err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: file.Platform()}})
		name := tag
		if len(images) > 1 {
			hash, err := img.Digest()
			if err != nil {
				return "", err
			}
			name = hash.String()
		}
		if digest, err = p.image(img, name); err != nil {
			return "", err
		}
	}
	if len(images) == 1 {
		return digest, nil
	}
	return p.manifest(index, tag)
}

// pusher speaks as little of the distribution specification as a push needs.
type pusher struct{ base string }

func (p pusher) image(img v1.Image, name string) (string, error) {
	layers, err := img.Layers()
	if err != nil {
		return "", err
	}
	config, err := partial.ConfigLayer(img)
	if err != nil {
		return "", err
	}
	for _, l := range append(layers, config) {
		if err := p.blob(l); err != nil {
			return "", err
		}
	}
	return p.manifest(img, name)
}

func (p pusher) blob(l v1.Layer) error {
	digest, err := l.Digest()
	if err != nil {
		return err
	}
	data, err := l.Compressed()
	if err != nil {
		return err
	}
	defer data.Close()
	body, err := io.ReadAll(data)
	if err != nil {
		return err
	}
	location, err := p.send(http.MethodPost, p.base+"/blobs/uploads/", "", nil)
	if err != nil {
		return err
	}
	at, err := url.Parse(p.base + "/")
	if err != nil {
		return err
	}
	if at, err = at.Parse(location); err != nil {
		return err
	}
	query := at.Query()
	query.Set("digest", digest.String())
	at.RawQuery = query.Encode()
	_, err = p.send(http.MethodPut, at.String(), "application/octet-stream", body)
	return err
}

// manifested is an image or an index.
type manifested interface {
	MediaType() (types.MediaType, error)
	Digest() (v1.Hash, error)
	RawManifest() ([]byte, error)
}

func (p pusher) manifest(m manifested, name string) (string, error) {
	mediaType, err := m.MediaType()
	if err != nil {
		return "", err
	}
	digest, err := m.Digest()
	if err != nil {
		return "", err
	}
	raw, err := m.RawManifest()
	if err != nil {
		return "", err
	}
	_, err = p.send(http.MethodPut, p.base+"/manifests/"+name, string(mediaType), raw)
	return digest.String(), err
}

// send makes one request and returns where its result is.
func (p pusher) send(method, url, contentType string, body []byte) (location string, err error) {
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return "", fmt.Errorf("%s %s: %s", method, url, resp.Status)
	}
	return resp.Header.Get("Location"), nil
}
