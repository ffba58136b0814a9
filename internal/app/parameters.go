package app

import (
	"fmt"
	"io"
	"os"

	"fastness/internal/service/ssm"
)

// ParametersConfig is what Parameter Store is given from files.
type ParametersConfig struct {
	// Public are the parameters under /aws/service; nil means none.
	Public *ssm.Public
	// Images are the AMIs that parameters of the data type aws:ec2:image can name; nil means
	// none.
	Images *ssm.ImageList
}

// ReadFiles reads the files that are given: see ssm.ReadPublic and ssm.ReadImages.
func (c *ParametersConfig) ReadFiles(public, images string) (err error) {
	if c.Public, err = readFile(public, ssm.ReadPublic); err != nil {
		return err
	}
	c.Images, err = readFile(images, ssm.ReadImages)
	return err
}

// readFile reads a file; no name means none.
func readFile[T any](name string, read func(io.Reader) (*T, error)) (*T, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("app: %w", err)
	}
	defer f.Close()
	return read(f)
}

// images is Images as an interface, nil if there are none.
func (c *ParametersConfig) images() ssm.Images {
	if c.Images == nil {
		return nil
	}
	return c.Images
}
