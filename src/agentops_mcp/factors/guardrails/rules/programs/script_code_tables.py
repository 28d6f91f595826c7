"""Functions that are known of each language, and of Python that does not parse."""

from functools import cache

_TABLES = {
    # An act, a colon, and the functions that do it; the acts are those of `script_code_acts.py`.
    "javascript": """
        shell: child_process.exec child_process.execSync execa.command execa.commandSync shelljs.exec zx.$ Bun.$
            bun.$ $ exec java.lang.Runtime.getRuntime().exec
        start: child_process.spawn child_process.spawnSync child_process.execFile child_process.execFileSync
            execa execa.sync Bun.spawn Bun.spawnSync Deno.run Deno.Command cross-spawn cross-spawn.sync
        delete: fs.unlink fs.unlinkSync fs.rmdir fs.rmdirSync Deno.remove Deno.removeSync fs-extra.unlink
        delete_tree: fs.rm fs.rmSync fs-extra.remove fs-extra.removeSync fs-extra.emptyDir fs-extra.emptyDirSync
            rimraf rimraf.sync rimraf.rimraf rimraf.rimrafSync del del.sync shelljs.rm fs.emptyDirSync trash
        write: fs.writeFile fs.writeFileSync fs.createWriteStream fs.truncate fs.truncateSync fs.outputFile
            fs-extra.outputFile Deno.writeTextFile Deno.writeTextFileSync Deno.writeFile Bun.write
        add: fs.appendFile fs.appendFileSync fs.mkdir
        move: fs.rename fs.renameSync fs-extra.move Deno.rename shelljs.mv
        copy: fs.copyFile fs.copyFileSync fs.cp fs.cpSync fs-extra.copy
        read: fs.readFile fs.readFileSync fs.createReadStream Deno.readTextFile Deno.readTextFileSync
            Deno.readFile Bun.file
        permit: fs.chmod fs.chmodSync fs.chown fs.chownSync Deno.chmod
        kill: process.kill Deno.kill
        eval: eval Function vm.runInThisContext vm.runInNewContext vm.runInContext vm.Script global.eval
            globalThis.eval window.eval
        fetch: fetch axios axios.get axios.post axios.put http.get https.get http.request https.request got
            node-fetch got.get got.post request request.get request.post superagent.get needle.get
            undici.request
        connect: net.connect net.createConnection net.Socket tls.connect Deno.connect net.Socket().connect
        based: atob
        from: Buffer.from
        same: decodeURIComponent unescape String decodeURI util.format
        home: os.homedir Deno.homeDir
        variable: Deno.env.get
        scratch: os.tmpdir fs.mkdtemp fs.mkdtempSync Deno.makeTempDir Deno.makeTempDirSync
        names: fs.readdir fs.readdirSync Deno.readDir Deno.readDirSync
        path: path.join path.resolve
        character: String.fromCharCode
        input: fs.readStdin
    """,
    "ruby": """
        shell: system exec spawn Kernel.system Kernel.exec Kernel.spawn Process.spawn IO.popen Open3.capture2
            Open3.capture3 Open3.capture2e Open3.popen3 Open3.popen2 Open3.popen2e PTY.spawn
        delete: File.delete File.unlink Dir.rmdir Dir.delete Dir.unlink FileUtils.rm FileUtils.rm_f
            FileUtils.remove FileUtils.rmdir Pathname.delete
        delete_tree: FileUtils.rm_rf FileUtils.rm_r FileUtils.remove_dir FileUtils.remove_entry
            FileUtils.remove_entry_secure FileUtils.rmtree FileUtils.safe_unlink rm_rf rm_r rmtree
        write: File.write IO.write File.binwrite File.truncate FileUtils.touch IO.binwrite
        open: File.open open File.new Kernel.open
        move: File.rename FileUtils.mv FileUtils.move
        copy: FileUtils.cp FileUtils.cp_r FileUtils.copy FileUtils.install
        read: File.read IO.read File.readlines IO.readlines File.foreach File.binread
        permit: File.chmod FileUtils.chmod FileUtils.chmod_R FileUtils.chown FileUtils.chown_R
        kill: Process.kill
        eval: eval instance_eval class_eval module_eval Kernel.eval binding.eval load Marshal.load
        fetch: URI.open Net::HTTP.get Net::HTTP.post Net::HTTP.get_response Net::HTTP.post_form OpenURI.open_uri
            HTTParty.get HTTParty.post Faraday.get Faraday.post RestClient.get RestClient.post
        connect: TCPSocket.open TCPSocket.new Socket.tcp TCPServer.new
        based: Base64.decode64 Base64.strict_decode64 Base64.urlsafe_decode64
        hand_over: STDIN.reopen STDOUT.reopen $stdin.reopen $stdout.reopen
        home: Dir.home
        variable: ENV.fetch
        scratch: Dir.mktmpdir Dir.tmpdir
        names: Dir.children Dir.entries Dir.each_child Dir.foreach
        path: File.join
        input: STDIN.read $stdin.read gets ARGF.read
        same: File.expand_path URI URI.parse Dir.glob String sprintf format
    """,
    "php": """
        shell: exec shell_exec system passthru popen proc_open pcntl_exec
        delete: unlink rmdir
        write: file_put_contents ftruncate touch
        open: fopen
        move: rename
        copy: copy
        read: file_get_contents file readfile show_source highlight_file
        permit: chmod chown chgrp
        eval: eval assert create_function include require include_once require_once
        kill: posix_kill
        fetch: curl_init
        send: curl_setopt mail fsockopen_write
        connect: fsockopen pfsockopen stream_socket_client
        based: base64_decode
        hex: hex2bin pack
        rotated: str_rot13
        reversed: strrev
        hidden: gzinflate gzuncompress gzdecode convert_uudecode
        variable: getenv
        scratch: sys_get_temp_dir tempnam
        names: scandir
        mapped: array_map array_walk
        same: urldecode rawurldecode trim strtolower glob curl_exec sprintf
    """,
    "perl": """
        shell: system exec qx readpipe IPC::Open3 open2 open3
        delete: unlink rmdir
        delete_tree: rmtree remove_tree File::Path::rmtree File::Path::remove_tree
        open: open sysopen
        move: rename move File::Copy::move
        copy: copy File::Copy::copy
        permit: chmod chown
        kill: kill
        eval: eval do require
        fetch: get LWP::Simple::get getstore
        write: truncate
        connect: IO::Socket::INET->new IO::Socket::INET IO::Socket::SSL->new socket connect
        based: decode_base64
        hex: pack
        reversed: reverse
        same: lc uc chomp glob sprintf
        scratch: tempdir File::Temp::tempdir
        group: setuid POSIX::setuid
    """,
    "lua": """
        shell: os.execute io.popen
        delete: os.remove
        move: os.rename
        open: io.open
        eval: load loadstring dofile
        connect: socket.tcp socket.connect
        variable: os.getenv
    """,
    "r": """
        shell: system system2 shell
        delete_tree: unlink
        delete: file.remove
        move: file.rename
        copy: file.copy
        write: writeLines write sink
        read: readLines readRDS scan
        eval: eval parse source
        fetch: url download.file httr::GET httr::POST
        connect: socketConnection
    """,
    "julia": """
        shell: run success pipeline read
        delete_tree: rm
        write: write
        move: mv
        open: open
        eval: eval include_string include Meta.parse
        fetch: download HTTP.get HTTP.post Downloads.download
        connect: connect
    """,
    "elixir": """
        start: System.cmd
        shell: System.shell :os.cmd
        delete: File.rm File.rm! File.rmdir File.rmdir!
        delete_tree: File.rm_rf File.rm_rf!
        write: File.write File.write!
        move: File.rename File.rename!
        read: File.read File.read!
        eval: Code.eval_string Code.eval_file
    """,
    "erlang": """
        shell: os:cmd open_port
        delete: file:delete file:del_dir
        delete_tree: file:del_dir_r
        write: file:write_file
        move: file:rename
        read: file:read_file
    """,
    "haskell": """
        shell: system callCommand callProcess rawSystem spawnCommand System.Process.system
            System.Process.callCommand System.Process.callProcess System.Process.rawSystem
            System.Process.spawnCommand
        delete: removeFile System.Directory.removeFile removeDirectory System.Directory.removeDirectory
        delete_tree: removeDirectoryRecursive removePathForcibly System.Directory.removeDirectoryRecursive
            System.Directory.removePathForcibly
        write: writeFile
        move: renameFile renamePath System.Directory.renameFile System.Directory.renamePath
        read: readFile
    """,
    "swift": """
        delete_tree: removeItem FileManager.default.removeItem
        move: moveItem FileManager.default.moveItem
        shell: system popen
    """,
    "octave": """
        shell: system shell_cmd unix dos exec
        delete: delete unlink
        delete_tree: rmdir confirm_recursive_rmdir
        move: rename movefile
        eval: eval evalc
    """,
    "python": """
        shell: os.system os.popen subprocess.call subprocess.run subprocess.Popen subprocess.check_output
            subprocess.check_call commands.getoutput pty.spawn system popen getoutput check_output check_call
            Popen
        delete: os.remove os.unlink os.rmdir os.removedirs
        delete_tree: shutil.rmtree rmtree
        write: os.truncate
        move: os.rename shutil.move os.replace
        open: open file
        eval: exec eval execfile __import__
        fetch: urllib.urlopen urllib2.urlopen urllib.request.urlopen urlopen requests.get requests.post
        connect: socket.create_connection s.connect sock.connect
        hand_over: os.dup2
        based: base64.b64decode b64decode
    """,
}


@cache
def table_of(language: str) -> dict[str, str]:
    """The act of each function that is known of a language. PHP reads names in any case; here they are lower."""
    found: dict[str, str] = {}
    act = ""
    for word in _TABLES.get(language, "").split():
        if word.endswith(":") and not word.endswith("::"):
            act = word[:-1]
        else:
            found[word] = act
    return found
