# The formula of a tap of one's own. `packaging/homebrew/release SDIST URL` fills in where a release's source is to be
# had and its digest, and writes what goes into the tap as Formula/llmd.rb.
#
# Python packages come from pip while it is built, with the versions that pyproject.toml allows, so it is no formula for
# Homebrew's core, which wants each of them as a resource.
class Llmd < Formula
  include Language::Python::Virtualenv

  desc "Daemon that makes a machine a server of language models (GGUF, OpenAI-compatible)"
  homepage "@HOMEPAGE@"
  url "@URL@"
  sha256 "@SHA256@"
  license all_of: ["Apache-2.0", "MIT", "0BSD", "BSD-3-Clause"]

  depends_on "cmake" => :build
  depends_on "ninja" => :build
  depends_on "python@3.13"

  on_linux do
    depends_on "gcc"
  end

  def install
    # Metal is on by itself; a bottle must run on other machines than the one that made it
    ENV["CMAKE_ARGS"] = "-DGGML_NATIVE=off -DGGML_METAL_EMBED_LIBRARY=on"
    virtualenv_create(libexec, "python3.13", without_pip: false)
    system libexec/"bin/python", "-m", "pip", "install", "--no-cache-dir", buildpath
    bin.install_symlink libexec/"bin/llmd"
    man1.install Dir["packaging/man/*.1"]
    bash_completion.install "completions/llmd.bash" => "llmd"
    zsh_completion.install "completions/_llmd"
    fish_completion.install "completions/llmd.fish"
  end

  service do
    run [opt_bin/"llmd", "serve"]
    keep_alive crashed: true
    process_type :interactive
    log_path var/"log/llmd.log"
    error_log_path var/"log/llmd.log"
  end

  def caveats
    <<~EOS
      The daemon starts by itself with the first command that needs it. To have it started with your session:
        llmd service install
    EOS
  end

  test do
    ENV["LLMD_HOME"] = testpath
    ENV["LLMD_PORT"] = free_port.to_s
    assert_match "Paris", shell_output("#{bin}/llmd run 'What is the capital of France?'")
    system bin/"llmd", "stop"
  end
end
