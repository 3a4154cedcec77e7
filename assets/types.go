package assets

import (
	"path"
	"strings"
)

// contentType is the type of a file by its name; "" where the name says nothing. It is the same on every machine, unlike that of
// package mime.
func contentType(name string) string {
	t := types[strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))]
	if strings.HasPrefix(t, "text/") {
		t += "; charset=utf-8"
	}
	return t
}

var types = map[string]string{
	"html": "text/html", "htm": "text/html", "shtml": "text/html", "css": "text/css", "csv": "text/csv", "tsv": "text/tab-separated-values",
	"js": "text/javascript", "mjs": "text/javascript", "txt": "text/plain", "text": "text/plain", "log": "text/plain", "ini": "text/plain", "conf": "text/plain",
	"md": "text/markdown", "markdown": "text/markdown", "mdx": "text/mdx", "jsx": "text/jsx", "ics": "text/calendar", "vcf": "text/x-vcard", "vtt": "text/vtt",
	"yaml": "text/yaml", "yml": "text/yaml", "appcache": "text/cache-manifest", "manifest": "text/cache-manifest", "less": "text/less", "scss": "text/x-scss", "sass": "text/x-sass",
	"cjs": "application/node", "json": "application/json", "map": "application/json", "json5": "application/json5", "jsonld": "application/ld+json", "geojson": "application/geo+json",
	"webmanifest": "application/manifest+json", "xml": "text/xml", "xsl": "application/xml", "xsd": "application/xml", "xslt": "application/xslt+xml", "xhtml": "application/xhtml+xml",
	"rss": "application/rss+xml", "atom": "application/atom+xml", "rdf": "application/rdf+xml", "wasm": "application/wasm", "pdf": "application/pdf",
	"zip": "application/zip", "gz": "application/gzip", "tar": "application/x-tar", "tgz": "application/gzip", "bz2": "application/x-bzip2", "7z": "application/x-7z-compressed", "rar": "application/vnd.rar", "jar": "application/java-archive",
	"bin": "application/octet-stream", "exe": "application/octet-stream", "dll": "application/octet-stream", "dmg": "application/octet-stream", "iso": "application/octet-stream", "img": "application/octet-stream", "deb": "application/octet-stream", "msi": "application/octet-stream",
	"doc": "application/msword", "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"xls": "application/vnd.ms-excel", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"ppt": "application/vnd.ms-powerpoint", "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	"rtf": "text/rtf", "epub": "application/epub+zip", "sql": "application/sql", "toml": "application/toml", "sh": "application/x-sh", "ps": "application/postscript", "eps": "application/postscript",
	"swf": "application/vnd.adobe.flash.movie", "apk": "application/vnd.android.package-archive", "ogx": "application/ogg",
	"png": "image/png", "apng": "image/apng", "jpg": "image/jpeg", "jpeg": "image/jpeg", "jpe": "image/jpeg", "gif": "image/gif", "svg": "image/svg+xml", "svgz": "image/svg+xml", "webp": "image/webp", "avif": "image/avif",
	"ico": "image/vnd.microsoft.icon", "bmp": "image/bmp", "tif": "image/tiff", "tiff": "image/tiff", "heic": "image/heic", "heif": "image/heif", "jxl": "image/jxl", "psd": "image/vnd.adobe.photoshop",
	"mp3": "audio/mpeg", "wav": "audio/wav", "oga": "audio/ogg", "ogg": "audio/ogg", "opus": "audio/ogg", "m4a": "audio/mp4", "aac": "audio/x-aac", "flac": "audio/x-flac", "mid": "audio/midi", "midi": "audio/midi", "weba": "audio/webm", "aif": "audio/x-aiff", "aiff": "audio/x-aiff",
	"mp4": "video/mp4", "m4v": "video/x-m4v", "mpeg": "video/mpeg", "mpg": "video/mpeg", "webm": "video/webm", "ogv": "video/ogg", "mov": "video/quicktime", "avi": "video/x-msvideo", "mkv": "video/x-matroska", "ts": "video/mp2t", "3gp": "video/3gpp", "flv": "video/x-flv", "wmv": "video/x-ms-wmv",
	"m3u8": "application/vnd.apple.mpegurl", "mpd": "application/dash+xml",
	"woff": "font/woff", "woff2": "font/woff2", "ttf": "font/ttf", "otf": "font/otf", "ttc": "font/collection", "eot": "application/vnd.ms-fontobject",
	"glb": "model/gltf-binary", "gltf": "model/gltf+json", "obj": "model/obj", "stl": "model/stl", "usdz": "model/vnd.usdz+zip",
	"pem": "application/x-x509-ca-cert", "crt": "application/x-x509-ca-cert", "der": "application/x-x509-ca-cert", "eml": "message/rfc822",
}
