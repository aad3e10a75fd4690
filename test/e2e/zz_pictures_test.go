package e2e

import (
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// TestPictures combines the pictures of the walks for the README. It runs after
// the walks, because tests run in the order of their file names.
func TestPictures(t *testing.T) {
	if pictures == "" {
		return // only `make screenshots` needs them
	}
	for strip, album := range map[string]string{"journey": "phone", "journey-dark": "phone-dark"} {
		var all []image.Image
		for _, name := range []string{"1-welcome", "2-request", "3-code", "4-charter", "5-guide", "6-password", "7-success", "8-ent"} {
			f, err := os.Open(filepath.Join(pictures, album+"-"+name+".png"))
			if err != nil {
				t.Fatal(err)
			}
			picture, err := png.Decode(f)
			_ = f.Close()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, picture)
		}
		const width, height, gap, columns = 360, 740, 16, 4
		sheet := image.NewRGBA(image.Rect(0, 0, columns*(width+gap)+gap, 2*(height+gap)+gap))
		ground := lightGround
		if album == "phone-dark" {
			ground = color.RGBA{0x2b, 0x30, 0x3a, 0xff}
		}
		draw.Draw(sheet, sheet.Bounds(), image.NewUniform(ground), image.Point{}, draw.Src)
		for i, picture := range all {
			at := image.Pt(gap+i%columns*(width+gap), gap+i/columns*(height+gap))
			draw.Draw(sheet, image.Rectangle{at, at.Add(image.Pt(width, height))}, picture, picture.Bounds().Min, draw.Src)
		}
		if err := savePNG(filepath.Join(pictures, strip+".png"), sheet); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPicturesOfTheConsole combines the pictures that the morning took of the console.
func TestPicturesOfTheConsole(t *testing.T) {
	if pictures == "" {
		return // only `make screenshots` needs them
	}
	var all []image.Image
	for _, name := range []string{"morning-overview", "people-person", "morning-trial-refused-wide", "people-story"} {
		f, err := os.Open(filepath.Join(pictures, name+".png"))
		if err != nil {
			t.Fatal(err)
		}
		page, err := png.Decode(f)
		_ = f.Close()
		if err != nil {
			t.Fatal(err)
		}
		top := image.NewRGBA(image.Rect(0, 0, desk.width, desk.height))
		draw.Draw(top, top.Bounds(), image.White, image.Point{}, draw.Src)
		draw.Draw(top, top.Bounds(), page, page.Bounds().Min, draw.Src)
		all = append(all, top)
	}
	if err := savePNG(filepath.Join(pictures, "console.png"), columns(all, 2)); err != nil {
		t.Fatal(err)
	}
}

// lightGround is the ground of pictures of light pages.
var lightGround = color.RGBA{0xd5, 0xda, 0xe3, 0xff}

func savePNG(file string, picture image.Image) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(out, picture)
	return errors.Join(err, out.Close())
}
